"""Notices (站内信): given to one person by number, told at once to whoever is there, kept to be read later."""

from pathlib import Path
from uuid import UUID

import uuid_utils.compat as uuid

from kernel.errors import NotFound
from kernel.events.outbox import Record, emit
from kernel.security.scope import Audience, Principal
from kernel.store.cursor import Cursor, Moment, check_utc
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import NoticeGiven, NoticesRead
from mobile_contracts.messaging.notice import Notice
from mobile_contracts.messaging.template import Language

_sql = load(Path(__file__).with_name("notice.sql"), Notice)


class NoticeCursor(Cursor, frozen=True):
    """Where a list of notices ended; without a time, as older versions gave it, where this notice stands."""

    id: UUID = UUID(int=2**128 - 1)
    at: Moment | None = None

    def __post_init__(self) -> None:
        if self.at is not None:
            check_utc(self.at)


async def give(
    tx: Tx, audience: Audience, subject: str, kind: str, title: str, body: str, link: str | None = None, *,
    english: tuple[str, str] | None, once: str = "",
) -> UUID | None:  # fmt: skip
    """Gives a notice and its id; null when this person was given one with the same `once` before.

    `english` are title and body for who reads English; null where the words are in the reader's language already.
    """
    notice_id = uuid.uuid7()
    title_en, body_en = english or (None, None)
    given = await _sql.give(
        tx, id=notice_id, audience=audience, subject=subject, kind=kind, title=title, body=body,
        title_en=title_en, body_en=body_en, link=link, once=once,
    )  # fmt: skip
    if not given:
        return None
    await emit(tx, NoticeGiven(notice_id=notice_id, audience=audience, subject=subject))
    return notice_id


async def find(tx: Tx, notice_id: UUID, language: Language) -> Notice:
    """One notice, to the system or to whom it was given; raises `NotFound`."""
    found: Notice | None = await _sql.find(tx, notice_id=notice_id, language=language)
    if found is None:
        raise NotFound
    return found


async def list_own(
    tx: Tx, who: Principal, after: NoticeCursor, size: int, language: Language, *, unread: bool = False
) -> list[Notice]:
    """What somebody was told, the newest first; with `unread` only what was not read yet."""
    notices: list[Notice] = await _sql.list(
        tx, audience=who.audience, subject=who.subject, language=language, unread=unread,
        before_at=after.at, before_id=after.id, size=size,
    )  # fmt: skip
    return notices


async def count_unread(tx: Tx, who: Principal) -> int:
    """How many notices somebody has not read."""
    return int(await _sql.unread(tx, audience=who.audience, subject=who.subject))


async def mark_read(tx: Tx, who: Principal, notice_id: UUID, language: Language) -> Notice:
    """Notes that somebody read one of their notices, once; raises `NotFound`."""
    if await _sql.read(tx, audience=who.audience, subject=who.subject, notice_id=notice_id):
        await _emit_read(tx, who, str(notice_id))
    return await find(tx, notice_id, language)


async def mark_read_up_to(tx: Tx, who: Principal, last: UUID) -> None:
    """Notes that somebody read this notice and all that were given before it; raises `NotFound`.

    What was decided on before it and given after it, as it waited for its hours, stays unread.
    """
    at = await _sql.given_at(tx, audience=who.audience, subject=who.subject, notice_id=last)
    if at is None:
        raise NotFound
    if await _sql.read_up_to(tx, audience=who.audience, subject=who.subject, at=at, last=last):
        await _emit_read(tx, who, f"up to {last}")


async def _emit_read(tx: Tx, who: Principal, what: str) -> None:
    event = NoticesRead(audience=who.audience, subject=who.subject)
    await emit(tx, event, Record(action="notice.read", noun="notice", noun_id=what))
