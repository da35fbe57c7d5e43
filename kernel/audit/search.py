"""Searches of the audit log, newest first; each search is itself a line of the log."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kernel.errors import FieldError, InvalidInput
from kernel.events.outbox import Record, record
from kernel.store.cursor import Cursor, Moment, Number, check_utc
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.text import redaction
from mobile_contracts.operations.audit import AuditLine

USUAL = timedelta(days=31)
LONGEST = timedelta(days=366)
"""How far back a search goes that does not say, and how far any search may."""

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_PERSONAL = frozenset({"mobile", "id_no", "email", "address", "wechat", "birthday"})


class Row(Struct, frozen=True):
    """One row of the log as it is stored."""

    id: int
    at: datetime
    principal: str
    session_id: str
    device_id: str
    request_id: str
    action: str
    noun: str
    noun_id: str
    before: str | None
    after: str | None
    reason: str | None


class Wanted(Struct, frozen=True, kw_only=True):
    """What is looked for; all that is named holds together. `since` belongs to the time, `until` does not."""

    principal: str | None = None
    noun: str | None = None
    noun_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditCursor(Cursor, frozen=True):
    """The last row of a page."""

    at: Moment
    id: Number

    def __post_init__(self) -> None:
        """Raises `ValueError` for a time that is not in UTC."""
        check_utc(self.at)


_sql = load(Path(__file__).with_name("search.sql"), Row)


async def search(tx: Tx, wanted: Wanted, after: AuditCursor | None, size: int) -> list[AuditLine]:
    """Rows without personal data; raises `InvalidInput` for a time too long and for `noun_id` without `noun`."""
    since, until = _bounds(wanted)
    if wanted.noun_id is not None and wanted.noun is None:
        raise InvalidInput(errors=[FieldError("noun", "noun_id needs noun", "须同时给出 noun")])
    last = AuditCursor(until.astimezone(UTC), 0)
    begin = min(after or last, last, key=lambda one: (one.at, one.id))
    rows = await _rows(tx, wanted, {"since": since, "after_at": begin.at, "after_id": begin.id, "size": size})
    asked = msgspec.structs.replace(wanted, since=since, until=until)
    await record(tx, Record(action="audit.search", noun="audit", noun_id="", after=asked))
    return [_shown(row) for row in rows]


async def _rows(tx: Tx, wanted: Wanted, page: dict[str, Any]) -> list[Row]:
    """Asks by the narrowest index: thing, principal, action, time."""
    rows: list[Row]
    if wanted.noun_id is not None:
        rows = await _sql.of_thing(
            tx, noun=wanted.noun, noun_id=wanted.noun_id, principal=wanted.principal, action=wanted.action, **page
        )
    elif wanted.principal is not None:
        rows = await _sql.of_principal(tx, principal=wanted.principal, action=wanted.action, noun=wanted.noun, **page)
    elif wanted.action is not None:
        rows = await _sql.of_action(tx, action=wanted.action, noun=wanted.noun, **page)
    else:
        rows = await _sql.of_time(tx, noun=wanted.noun, **page)
    return rows


def _bounds(wanted: Wanted) -> tuple[datetime, datetime]:
    for name, given in (("from", wanted.since), ("to", wanted.until)):
        if given is not None and (given.tzinfo is None or not _FIRST < given < _LAST):
            raise InvalidInput(errors=[FieldError(name, "a time of this century with its offset", "须为带时区的时间")])
    until = wanted.until or datetime.now(UTC)
    since = wanted.since or until - USUAL
    if not timedelta() < until - since <= LONGEST:
        message = f"must be before `to`, by {LONGEST.days} days at most"
        raise InvalidInput(errors=[FieldError("from", message, "时间范围无效或过长")])
    return since, until


def _shown(row: Row) -> AuditLine:
    return AuditLine(
        id=row.id,
        at=row.at,
        principal=row.principal,
        session_id=row.session_id,
        device_id=row.device_id,
        request_id=row.request_id,
        action=row.action,
        noun=row.noun,
        noun_id=row.noun_id,
        before=_without_personal_data(row.before),
        after=_without_personal_data(row.after),
        reason=None if row.reason is None else redaction.text(row.reason),
    )


def _without_personal_data(state: str | None) -> dict[str, Any] | None:
    if state is None:
        return None
    cleaned: dict[str, Any] = redaction.cleaned(_hidden(msgspec.json.decode(state)))
    return cleaned


def _hidden(value: Any) -> Any:
    """Fields that describe a person are hidden, at every depth, even where a writer forgot to mask them."""
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: "[hidden]" if _is_personal(key, one) else _hidden(one) for key, one in value.items()}


def _is_personal(key: str, value: Any) -> bool:
    """Where somebody lives is personal; the network that a request came from is what compliance looks for."""
    return key in _PERSONAL and value is not None and not (key == "address" and _is_network(value))


def _is_network(value: Any) -> bool:
    try:
        return isinstance(value, str) and ip_network(value, strict=False) is not None
    except ValueError:
        return False
