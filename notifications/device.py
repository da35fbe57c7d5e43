"""Devices: registered by the app that runs on them, revoked by whoever they belong to."""

from pathlib import Path

from kernel.crypto import Fields, Place
from kernel.database import Tx
from kernel.errors import FieldError, InvalidInput, NotFound
from kernel.identity import end_session
from kernel.outbox import Record, emit
from kernel.scope import Principal
from kernel.sql import load
from mobile_contracts.device import Device, DeviceChange
from mobile_contracts.event import DeviceChanged

MOST = 20
"""Devices of one person; another one needs an old one revoked."""

_sql = load(Path(__file__).with_name("device.sql"), Device)


async def list_own(tx: Tx, who: Principal) -> list[Device]:
    """The devices of the principal, the one seen last first."""
    devices: list[Device] = await _sql.list_own(tx, subject=who.subject, audience=who.audience)
    return devices


async def changed(tx: Tx, who: Principal, since: int) -> bool:
    """Whether any of the principal's devices was registered or revoked in that transaction or later."""
    return bool(await _sql.changed(tx, subject=who.subject, audience=who.audience, since=str(since)))


async def register(tx: Tx, who: Principal, device_id: str, change: DeviceChange, fields: Fields) -> Device:
    """Keeps what the app says of its device; raises `InvalidInput` for half a push address or one device too many."""
    if (change.vendor is None) != (change.push_token is None):
        raise InvalidInput(
            errors=[FieldError("push_token", "vendor and push_token come together", "vendor 与 push_token 须同时提供")]
        )
    before: Device | None = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    if before is None and await _sql.count(tx, subject=who.subject, audience=who.audience) >= MOST:
        raise InvalidInput(f"at most {MOST} devices: revoke one first", f"最多 {MOST} 台设备,请先移除一台")
    place = Place("device", "push_token", f"{who.name}:{device_id}")
    token = None if change.push_token is None else fields.seal(change.push_token, place)
    await _sql.put(
        tx, subject=who.subject, audience=who.audience, device_id=device_id, name=change.name, vendor=change.vendor,
        push_token=token, app_version=change.app_version,
    )  # fmt: skip
    after: Device = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    await _emit(tx, "register", who, device_id, before, after)
    return after


async def revoke(tx: Tx, who: Principal, device_id: str) -> None:
    """Forgets the device and ends the sessions on it; raises `NotFound`."""
    before: Device | None = await _sql.find(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    if before is None:
        raise NotFound
    await _sql.revoke(tx, subject=who.subject, audience=who.audience, device_id=device_id)
    for (session_id,) in await _sql.sessions(tx, subject=who.subject, audience=who.audience, device_id=device_id):
        await end_session(tx, session_id, "the device was revoked")
    await _emit(tx, "revoke", who, device_id, before, None)


async def _emit(
    tx: Tx, action: str, who: Principal, device_id: str, before: Device | None, after: Device | None
) -> None:
    what = Record(
        action=f"device.{action}", noun="device", noun_id=f"{who.name}:{device_id}", before=before, after=after
    )
    await emit(tx, DeviceChanged(audience=who.audience, subject=who.subject, device_id=device_id), what)
