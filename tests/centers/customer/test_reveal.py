"""A reveal needs the key and room in the day's quota."""

import msgspec
import pytest

from centers.customer import reveal
from kernel.errors import FieldSealed, QuotaUsedUp
from kernel.security.crypto import Fields
from kernel.settings import Settings
from mobile_contracts.customer.customer import RevealWanted
from tests.brokerage import ID_NO, Brokerage
from tests.centers.customer.conftest import Within
from tests.conftest import random_key

ASKED = RevealWanted(field="id_no", reason="he opens another account")


async def test_the_quota_is_that_of_a_day(house: Brokerage, within: Within, own_settings: Settings) -> None:
    fields = Fields(own_settings)
    async with within("1001", "customer.reveal") as (tx, scope):
        shown = await reveal.reveal(tx, scope, "88000001", ASKED, fields, 1)
        assert (shown.value, shown.left) == (ID_NO, 0)
        with pytest.raises(QuotaUsedUp):
            await reveal.reveal(tx, scope, "88000001", ASKED, fields, 1)
        await tx.execute("update reveal set at = at - interval '1 day'")
        assert (await reveal.reveal(tx, scope, "88000001", ASKED, fields, 1)).left == 0


async def test_without_the_key_nothing_is_shown_and_nothing_counted(
    house: Brokerage, within: Within, own_settings: Settings
) -> None:
    other = Fields(msgspec.structs.replace(own_settings, field_keys=f"k1:{random_key()}"))
    async with within("1001", "customer.reveal") as (tx, scope):
        with pytest.raises(FieldSealed):
            await reveal.reveal(tx, scope, "88000001", ASKED, other, 5)
        assert await tx.fetchval("select count(*) from reveal") == 0
