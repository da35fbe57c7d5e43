"""What is noted of a customer is sealed for its place, and two changes at once do not lose one another."""

import asyncio

import pytest

from centers.customer import contact
from centers.customer.contact import Seals
from kernel.errors import FieldSealed, InvalidInput, NotFound, VersionConflict
from kernel.security.crypto import BlindIndex, Fields, Place
from kernel.settings import Settings
from mobile_contracts.customer.customer import ContactChange, PreferenceChange
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


@pytest.fixture
def seals(own_settings: Settings) -> Seals:
    """The keys of this run."""
    return Seals(Fields(own_settings), BlindIndex(own_settings))


async def test_a_number_is_sealed_for_its_customer(house: Brokerage, within: Within, seals: Seals) -> None:
    async with within("1001", "customer.change") as (tx, scope):
        await contact.change_contact(tx, scope, "88000001", 0, ContactChange(mobile="139 1111 2222"), seals)
        sealed = await tx.fetchval("select mobile from contact")
    assert b"13911112222" not in sealed
    assert seals.fields.open(sealed, Place("contact", "mobile", "88000001")) == "+8613911112222"
    with pytest.raises(FieldSealed):
        seals.fields.open(sealed, Place("contact", "mobile", "88000002"))


async def test_null_takes_a_number_away(house: Brokerage, within: Within, seals: Seals) -> None:
    async with within("1001", "customer.change") as (tx, scope):
        await contact.change_contact(tx, scope, "88000001", 0, ContactChange(mobile="13911112222"), seals)
        after = await contact.change_contact(tx, scope, "88000001", None, ContactChange(mobile=None), seals)
        assert after.mobile is None
        assert await tx.fetchval("select count(*) from contact where mobile_index is not null") == 0


async def test_any_version_is_that_of_the_defaults_too(house: Brokerage, within: Within, seals: Seals) -> None:
    hours = PreferenceChange(language="en", channel="email", contact_from="10:00", contact_to="18:00")
    async with within("1001", "customer.change") as (tx, scope):
        noted = await contact.change_contact(tx, scope, "88000001", None, ContactChange(wechat="w"), seals)
        wanted = await contact.change_preference(tx, scope, "88000001", None, hours)
    assert (noted.wechat, wanted.language) == ("w", "en")


async def test_nothing_can_be_noted_of_others_customers(house: Brokerage, within: Within, seals: Seals) -> None:
    async with within("1001", "customer.change") as (tx, scope):
        with pytest.raises(NotFound):
            await contact.change_contact(tx, scope, "88000006", 0, ContactChange(wechat="w"), seals)
        with pytest.raises(InvalidInput):
            await contact.change_contact(tx, scope, "88000001", 0, ContactChange(mobile="12345678901"), seals)


@pytest.mark.parametrize("address", ["a@b..com", "x;y@c.cn", "ok@-c.cn", "a..b@c.cn"])
async def test_no_address_is_noted_that_no_letter_can_be_sent_to(
    house: Brokerage, within: Within, seals: Seals, address: str
) -> None:
    async with within("1001", "customer.change") as (tx, scope):
        with pytest.raises(InvalidInput) as refused:
            await contact.change_contact(tx, scope, "88000001", 0, ContactChange(email=address), seals)
        assert [one.field for one in refused.value.errors] == ["email"]


async def test_of_two_first_notes_at_once_one_is_told(house: Brokerage, within: Within, seals: Seals) -> None:
    async def note(text: str) -> bool:
        try:
            async with within("1001", "customer.change") as (tx, scope):
                await contact.change_contact(tx, scope, "88000001", 0, ContactChange(wechat=text), seals)
                await asyncio.sleep(0.05)
        except VersionConflict:
            return False
        return True

    assert sorted(await asyncio.gather(note("a"), note("b"))) == [False, True]
