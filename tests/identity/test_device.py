"""A push token is sealed for its device, and of nobody else's."""

from uuid import uuid4

import pytest

from identity import device
from kernel.errors import DeviceRevoked, FieldSealed, NotFound
from kernel.security import scope
from kernel.security.crypto import Fields, Place
from kernel.security.scope import Audience, Principal, Scope
from kernel.settings import Settings
from kernel.store.database import Tx
from mobile_contracts.identity.device import DeviceChange

TOKEN = "0123456789abcdef"


async def somebody(tx: Tx, subject: str, audience: Audience = "staff") -> Principal:
    """A principal in whose scope the transaction goes on."""
    principal = Principal(audience=audience, subject=subject, session_id=uuid4(), device_id="d")
    await scope.apply(tx, Scope(principal=principal))
    return principal


async def test_the_token_opens_for_its_device_alone(tx: Tx, settings: Settings) -> None:
    fields, anna = Fields(settings), await somebody(tx, "1")
    await device.register(tx, anna, "d-1", DeviceChange(vendor="apns", push_token=TOKEN), fields)
    sealed = await tx.fetchval("select push_token from device")
    assert fields.open(sealed, Place("device", "push_token", "staff:1:d-1")) == TOKEN
    with pytest.raises(FieldSealed):
        fields.open(sealed, Place("device", "push_token", "staff:1:d-2"))


async def test_the_same_number_of_another_audience_is_somebody_else(tx: Tx, settings: Settings) -> None:
    anna = await somebody(tx, "1")
    await device.register(tx, anna, "d-1", DeviceChange(), Fields(settings))
    investor = await somebody(tx, "1", "investor")
    assert await device.list_own(tx, investor) == []
    with pytest.raises(NotFound):
        await device.revoke(tx, investor, "d-1")
    assert await tx.fetchval("select count(*) from device") == 0, "the policy hides it even from a forgetful query"


async def test_a_revoked_device_has_no_token_left(tx: Tx, settings: Settings) -> None:
    anna = await somebody(tx, "1")
    await device.register(tx, anna, "d-1", DeviceChange(vendor="fcm", push_token=TOKEN), Fields(settings))
    await device.revoke(tx, anna, "d-1")
    assert await tx.fetchval("select push_token from device") is None
    assert await device.list_own(tx, anna) == []
    with pytest.raises(NotFound):
        await device.revoke(tx, anna, "d-1")


async def test_a_revoked_device_is_refused_until_it_is_allowed_from_another(tx: Tx, settings: Settings) -> None:
    anna = await somebody(tx, "1")
    assert await device.greet(tx, "staff", "1", "d-1", "phone", "1.0")
    await device.revoke(tx, anna, "d-1")
    assert not await device.greet(tx, "staff", "1", "d-1", "phone", "1.0")
    with pytest.raises(DeviceRevoked):
        await device.register(tx, anna, "d-1", DeviceChange(), Fields(settings))
    with pytest.raises(DeviceRevoked):
        await device.allow(tx, anna, "d-1", "d-1")
    (revoked,) = await device.list_own(tx, anna, revoked=True)
    assert revoked.revoked_at is not None
    for _ in range(2):
        assert (await device.allow(tx, anna, "d-1", "d-2")).revoked_at is None
    assert await device.greet(tx, "staff", "1", "d-1", "phone", "1.0")
    assert await device.list_own(tx, anna, revoked=True) == []
    done = await tx.fetch("select action from audit order by id")
    assert [row[0] for row in done] == ["device.revoke", "device.allow"]
    with pytest.raises(NotFound):
        await device.allow(tx, anna, "d-3", "d-2")


async def test_what_is_not_said_at_a_sign_in_stays(tx: Tx, settings: Settings) -> None:
    anna = await somebody(tx, "1")
    await device.register(
        tx, anna, "d-1", DeviceChange(name="phone", vendor="apns", push_token=TOKEN), Fields(settings)
    )
    await device.greet(tx, "staff", "1", "d-1", "", "2.0")
    (one,) = await device.list_own(tx, anna)
    assert (one.name, one.app_version, one.push) == ("phone", "2.0", True)
    await device.see(tx, "staff", "1", "d-1")
    assert (await device.list_own(tx, anna))[0].version == one.version, "being there is not a change"
