"""Where somebody is signed in: listed and ended by themselves, or by an administrator for them."""

from pathlib import Path
from uuid import UUID

from msgspec import Struct

from identity.principal import end_session
from kernel.errors import NotFound
from kernel.security.scope import Audience, Scope
from kernel.store.cursor import Cursor
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.identity.session import OpenSession

_sql = load(Path(__file__).with_name("session.sql"), OpenSession)


class SessionCursor(Cursor, frozen=True):
    """The last session of a page; ids follow time."""

    before: UUID = UUID(int=2**128 - 1)


class Subject(Struct, frozen=True):
    """Whose sessions are meant: an employee or an investor."""

    audience: Audience
    subject: str


async def check_subject(tx: Tx, scope: Scope, whose: Subject) -> None:
    """Raises `NotFound` unless there is such an employee, or such a customer within the scope of the transaction."""
    if whose.audience == "staff":
        known = await _sql.is_employee(tx, subject=whose.subject)
    else:
        known = await _sql.is_customer(tx, subject=whose.subject)
    if not known:
        raise NotFound


async def list_open(tx: Tx, scope: Scope, whose: Subject, after: SessionCursor, size: int) -> list[OpenSession]:
    """The sessions in force, the newest first; `current` is the one of who asks."""
    sessions: list[OpenSession] = await _sql.list_open(
        tx, audience=whose.audience, subject=whose.subject, before=after.before,
        current=scope.principal.session_id, size=size,
    )  # fmt: skip
    return sessions


async def end(tx: Tx, whose: Subject, session_id: UUID, reason: str) -> None:
    """Ends one session; raises `NotFound` when it is not theirs. One that has ended stays as it is."""
    if not await _sql.belongs(tx, id=session_id, audience=whose.audience, subject=whose.subject):
        raise NotFound
    await end_session(tx, session_id, reason)


async def end_all(tx: Tx, whose: Subject, reason: str) -> int:
    """Ends every session in force and gives their number."""
    sessions: list[UUID] = await _sql.all_open(tx, audience=whose.audience, subject=whose.subject)
    for session_id in sessions:
        await end_session(tx, session_id, reason)
    return len(sessions)
