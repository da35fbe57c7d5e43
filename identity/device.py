"""Devices: known from the first sign-in on them, revoked and allowed again by their owner or an administrator."""

from pathlib import Path

from identity.principal import end_session
from identity.session import Subject
from kernel.errors import DeviceRevoked, FieldError, InvalidInput, NotFound
from kernel.events.outbox import Record, emit
from kernel.security.crypto import Fields, Place
from kernel.security.scope import Audience, Principal
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import DeviceChanged
from mobile_contracts.identity.device import Device, DeviceChange

MOST = 20
"""Devices that one person may register; another one needs an old one revoked."""

Owner = Principal | Subject

_sql = load(Path(__file__).with_name("device.sql"), Device)


async def list_own(tx: Tx, who: Owner, *, revoked: bool = False) -> list[Device]:
    """The devices of somebody, in use or revoked, the one seen last first."""
    devices: list[Device] = await _sql.list(tx, subject=who.subject, audience=who.audience, revoked=revoked)
    return devices


async def changed(tx: Tx, who: Owner, since: int) -> bool:
    """Whether any of somebody's devices was registered, revoked or allowed again in that transaction or later."""
    return bool(await _sql.changed(tx, subject=who.subject, audience=who.audience, since=str(since)))


async def register(tx: Tx, who: Principal, device_id: str, change: DeviceChange, fields: Fields) -> Device:
    """Keeps what the app says of its device.

    Raises `InvalidInput` for half a push address or one device too many, and `DeviceRevoked`.
    """
    if (change.vendor is None) != (change.push_token is None):
        raise InvalidInput(
            errors=[FieldError("push_token", "vendor and push_token come together", "vendor 与 push_token 须同时提供")]
        )
    before: Device | None = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    if before is None and await _sql.count(tx, subject=who.subject, audience=who.audience) >= MOST:
        raise InvalidInput(f"at most {MOST} devices: revoke one first", f"最多 {MOST} 台设备,请先移除一台")
    if before is not None and before.revoked_at is not None:
        raise DeviceRevoked
    place = Place("device", "push_token", f"{who.name}:{device_id}")
    token = None if change.push_token is None else fields.seal(change.push_token, place)
    await _sql.put(
        tx, subject=who.subject, audience=who.audience, device_id=device_id, name=change.name, vendor=change.vendor,
        push_token=token, app_version=change.app_version,
    )  # fmt: skip
    after: Device = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    await _emit(tx, "register", who, device_id, before, after)
    return after


async def greet(tx: Tx, audience: Audience, subject: str, device_id: str, name: str, app_version: str) -> bool:
    """Notes that somebody signs in on a device, and what it is called if that is said; false when it was revoked."""
    known = await _sql.greet(
        tx, subject=subject, audience=audience, device_id=device_id, name=name, app_version=app_version
    )
    return known is not None


async def see(tx: Tx, audience: Audience, subject: str, device_id: str) -> None:
    """Notes that somebody is there on a device."""
    await _sql.see(tx, subject=subject, audience=audience, device_id=device_id)


async def revoke(tx: Tx, who: Owner, device_id: str, reason: str | None = None) -> None:
    """Ends the sessions on the device and lets none begin; raises `NotFound`, also when it was revoked before."""
    before: Device | None = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    if before is None or before.revoked_at is not None:
        raise NotFound
    await _sql.revoke(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    for (session_id,) in await _sql.sessions(tx, subject=who.subject, audience=who.audience, device_id=device_id):
        await end_session(tx, session_id, "the device was revoked")
    await _emit(tx, "revoke", who, device_id, before, None, reason)


async def allow(tx: Tx, who: Owner, device_id: str, asked_on: str, reason: str | None = None) -> Device:
    """Lets sessions begin on the device again; one that was not revoked stays as it is.

    Raises `NotFound`, and `DeviceRevoked` when it is asked for on the device itself, whose token may live for seconds.
    """
    before: Device | None = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    if before is None:
        raise NotFound
    if before.revoked_at is None:
        return before
    if device_id == asked_on:
        raise DeviceRevoked
    await _sql.allow(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    after: Device = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    await _emit(tx, "allow", who, device_id, before, after, reason)
    return after


async def _emit(
    tx: Tx, action: str, who: Owner, device_id: str, before: Device | None, after: Device | None,
    reason: str | None = None,
) -> None:  # fmt: skip
    noun_id = f"{who.audience}:{who.subject}:{device_id}"
    what = Record(action=f"device.{action}", noun="device", noun_id=noun_id, before=before, after=after, reason=reason)
    await emit(tx, DeviceChanged(audience=who.audience, subject=who.subject, device_id=device_id), what)
