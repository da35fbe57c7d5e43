"""Sessions with refresh tokens: each is good once, and one that is used twice ends its session."""

import hashlib
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

from api.auth import people
from api.auth.door import Visit
from kernel import identity
from kernel.database import Tx
from kernel.outbox import Record, emit, record
from kernel.scope import Audience, Principal
from kernel.sql import load
from mobile_contracts import event
from mobile_contracts.auth import Device, SignedIn
from notifications import device as devices

_ROLES: dict[Audience, list[str]] = {"staff": [], "investor": ["investor"], "gateway": []}
"""Roles of a session itself; those of staff are assigned to the employee, as they are at each moment."""

_BYTES = 32
_sql = load(Path(__file__).with_name("session.sql"))


async def begin(tx: Tx, visit: Visit, audience: Audience, subject: str, device: Device, how: str) -> SignedIn | None:
    """Opens a session on the device for somebody who has proved who they are; audited with the way in.

    Null, and audited too, when the device was revoked: the caller commits, then raises `DeviceRevoked`.
    """
    if not await devices.greet(tx, audience, subject, device.device_id, device.name, device.app_version):
        await visit.refused(tx, audience, subject, "device revoked", device)
        return None
    seconds = visit.door.settings.session_seconds
    session_id = await identity.open_session(tx, audience, subject, _ROLES[audience], device.device_id, seconds)
    await visit.enter(tx, _principal(audience, subject, session_id, device.device_id))
    what = Record(action="sign_in", noun="session", noun_id=str(session_id), after=visit.attempt(device), reason=how)
    await emit(tx, event.SignedIn(session_id=session_id), what)
    return await _tokens(tx, visit, audience, subject, session_id)


async def renew(tx: Tx, visit: Visit, token: str, device_id: str) -> SignedIn | str:
    """New tokens for a refresh token, or why not; the caller commits either way: a reuse ends the session."""
    digest = _digest(token)
    row: Any = await _sql.hold(tx, hash=digest)
    if row is None or row["audience"] not in visit.door.audiences:
        return "unknown"
    audience, subject, session_id = row["audience"], row["subject"], row["session_id"]
    if row["used"] or row["device_id"] != device_id:
        why = "refresh token used twice" if row["used"] else "refresh token used on another device"
        await _stolen(tx, visit, session_id, why, device_id)
        return why
    if row["ended"] or row["outlived"] or not await people.is_here(tx, audience, subject):
        return "ended"
    await _sql.use(tx, hash=digest)
    await devices.see(tx, audience, subject, device_id)
    return await _tokens(tx, visit, audience, subject, session_id)


async def leave(tx: Tx, visit: Visit, token: str) -> None:
    """Ends the session of a refresh token, whether it was used before or not; an unknown one is nobody's."""
    row: Any = await _sql.hold(tx, hash=_digest(token))
    if row is not None:
        await visit.enter(tx, _principal(row["audience"], row["subject"], row["session_id"], row["device_id"]))
        await identity.end_session(tx, row["session_id"], "signed out")


async def end_others(tx: Tx, audience: Audience, subject: str, reason: str, keep: UUID | None = None) -> int:
    """Ends every session of a person but one, and gives their number."""
    ids: list[UUID] = await _sql.live(tx, audience=audience, subject=subject, keep=keep)
    for session_id in ids:
        await identity.end_session(tx, session_id, reason)
    return len(ids)


async def _stolen(tx: Tx, visit: Visit, session_id: UUID, why: str, device_id: str) -> None:
    await record(tx, Record(action="refresh.refused", noun="session", noun_id=str(session_id), reason=why,
                            after=visit.attempt(device_id)))  # fmt: skip
    await identity.end_session(tx, session_id, why)


async def _tokens(tx: Tx, visit: Visit, audience: Audience, subject: str, session_id: UUID) -> SignedIn:
    settings, token = visit.door.settings, secrets.token_urlsafe(_BYTES)
    left: float = await _sql.add(
        tx, hash=_digest(token), session_id=session_id, seconds=float(settings.refresh_seconds)
    )
    return SignedIn(
        session_id=session_id,
        audience="investor" if audience == "investor" else "staff",
        subject=subject,
        access_token=visit.door.tokens.issue(audience, subject, session_id),
        expires_in=settings.token_seconds,
        refresh_token=token,
        refresh_expires_in=int(left),
    )


def _principal(audience: Audience, subject: str, session_id: UUID, device_id: str) -> Principal:
    return Principal(audience=audience, subject=subject, session_id=session_id, device_id=device_id)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
