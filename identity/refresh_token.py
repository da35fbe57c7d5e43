"""Sessions with refresh tokens: each is good once, and one that is used again later or elsewhere ends its session."""

import hashlib
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from identity import device as devices
from identity import people, principal
from identity.door import Visit
from kernel.errors import HexadError, SessionOver, TokenExpired, TokenReused, WrongCredentials
from kernel.events.outbox import Record, emit, record
from kernel.security.scope import Audience, Principal
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts import event
from mobile_contracts.identity.sign_in import Device, SignedIn

_ROLES: dict[Audience, list[str]] = {"staff": [], "investor": ["investor"], "gateway": []}
"""Roles of a session itself; those of staff are assigned to the employee, as they are at each moment."""

GRACE_SECONDS = 60.0
"""How long a refresh token that was used gives the same tokens again, as long as nobody has used those."""

_sql = load(Path(__file__).with_name("refresh_token.sql"))


async def begin(tx: Tx, visit: Visit, audience: Audience, subject: str, device: Device, how: str) -> SignedIn | None:
    """Opens a session on the device for somebody who has proved who they are; audited with the way in.

    Null, and audited too, when the device was revoked: the caller commits, then raises `DeviceRevoked`.
    """
    if not await devices.greet(tx, audience, subject, device.device_id, device.name, device.app_version):
        await visit.refused(tx, audience, subject, "device revoked", device)
        return None
    seconds = visit.door.settings.session_seconds
    session_id = await principal.open_session(tx, audience, subject, _ROLES[audience], device.device_id, seconds)
    await visit.enter(tx, _principal(audience, subject, session_id, device.device_id))
    what = Record(action="sign_in", noun="session", noun_id=str(session_id), after=visit.attempt(device), reason=how)
    await emit(tx, event.SignedIn(session_id=session_id), what)
    return await _tokens(tx, visit, audience, subject, session_id, visit.door.successors.first(session_id))


async def renew(tx: Tx, visit: Visit, token: str, device_id: str) -> SignedIn | HexadError:
    """New tokens for a refresh token, or why not; the caller commits either way: a reuse ends the session.

    An answer may be lost: the same token again, within a minute on the same device, gets the same tokens while these
    are unused.
    """
    row: Any = await _sql.hold(tx, hash=_digest(token), grace=GRACE_SECONDS)
    if row is None or row["audience"] not in visit.door.audiences:
        return WrongCredentials()
    session_id, over = row["session_id"], row["ended"] or not await people.is_here(tx, row["audience"], row["subject"])
    following = visit.door.successors.of(token, session_id)
    before: Any = await _sql.unused(tx, hash=_digest(following)) if row["just_now"] else None
    if row["device_id"] != device_id or (row["used"] and before is None):
        why = "refresh token used twice" if row["used"] else "refresh token used on another device"
        await _stolen(tx, visit, session_id, why, device_id)
        return TokenReused()
    if over or (row["outlived"] and before is None):
        return SessionOver() if over else TokenExpired()
    await devices.see(tx, row["audience"], row["subject"], device_id)
    if before is not None:
        return _signed_in(visit, row["audience"], row["subject"], session_id, following, before["seconds"],
                          before["access_at"])  # fmt: skip
    await _sql.use(tx, hash=_digest(token))
    return await _tokens(tx, visit, row["audience"], row["subject"], session_id, following)


async def leave(tx: Tx, visit: Visit, token: str) -> None:
    """Ends the session of a refresh token, whether it was used before or not; an unknown one is nobody's."""
    row: Any = await _sql.hold(tx, hash=_digest(token), grace=GRACE_SECONDS)
    if row is not None:
        await visit.enter(tx, _principal(row["audience"], row["subject"], row["session_id"], row["device_id"]))
        await principal.end_session(tx, row["session_id"], "signed out")


async def end_others(tx: Tx, audience: Audience, subject: str, reason: str, keep: UUID | None = None) -> int:
    """Ends every session of a person but one, and gives their number."""
    ids: list[UUID] = await _sql.live(tx, audience=audience, subject=subject, keep=keep)
    for session_id in ids:
        await principal.end_session(tx, session_id, reason)
    return len(ids)


async def _stolen(tx: Tx, visit: Visit, session_id: UUID, why: str, device_id: str) -> None:
    await record(tx, Record(action="refresh.refused", noun="session", noun_id=str(session_id), reason=why,
                            after=visit.attempt(device_id)))  # fmt: skip
    await principal.end_session(tx, session_id, why)


async def _tokens(
    tx: Tx, visit: Visit, audience: Audience, subject: str, session_id: UUID, token: str
) -> SignedIn:  # fmt: skip
    now, seconds = int(time.time()), float(visit.door.settings.refresh_seconds)
    left: float = await _sql.add(tx, hash=_digest(token), session_id=session_id, seconds=seconds, access_at=now)
    return _signed_in(visit, audience, subject, session_id, token, left, now)


def _signed_in(
    visit: Visit, audience: Audience, subject: str, session_id: UUID, token: str, left: float, access_at: int
) -> SignedIn:  # fmt: skip
    """The tokens, the access token as it was issued at that time (Unix seconds) unless it has expired since."""
    seconds, now = visit.door.settings.token_seconds, int(time.time())
    access_at = access_at if 0 <= now - access_at < seconds else now
    return SignedIn(
        session_id=session_id,
        audience="investor" if audience == "investor" else "staff",
        subject=subject,
        access_token=visit.door.tokens.issue(audience, subject, session_id, access_at),
        expires_in=access_at + seconds - now,
        refresh_token=token,
        refresh_expires_in=int(left),
    )


def _principal(audience: Audience, subject: str, session_id: UUID, device_id: str) -> Principal:
    return Principal(audience=audience, subject=subject, session_id=session_id, device_id=device_id)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
