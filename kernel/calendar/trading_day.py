"""Days on which the market's calendar differs from the package's: read, and changed with an event and an audit row."""

import time
from pathlib import Path

from msgspec import Struct

from kernel.calendar import days
from kernel.calendar.days import Calendar, Day
from kernel.errors import VersionConflict
from kernel.events.outbox import Record, emit
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.event import TradingDayChanged
from mobile_contracts.operations.calendar import Session, TradingDay, TradingDayChange


class Override(Struct, frozen=True):
    """What somebody decided about one day."""

    day: Day
    open: bool
    note: str
    version: int


_sql = load(Path(__file__).with_name("trading_day.sql"), Override)


class CalendarOfNow:
    """The calendar of this process, read again when it is older than `seconds`."""

    def __init__(self, database: Database, seconds: float = 30.0) -> None:
        self._database, self._seconds = database, seconds
        self._calendar, self._read_at = Calendar(), -seconds

    async def get(self) -> Calendar:
        """The calendar as it was at most `seconds` ago."""
        if time.monotonic() - self._read_at >= self._seconds:
            async with self._database.transaction() as tx:
                self._calendar, self._read_at = await load_calendar(tx), time.monotonic()
        return self._calendar


async def load_calendar(tx: Tx) -> Calendar:
    """The calendar with every override."""
    rows: list[Override] = await _sql.list_range(tx, first=days.FIRST, last=days.LAST)
    return Calendar({row.day: row.open for row in rows})


async def find(tx: Tx, day: Day) -> TradingDay:
    """One day; raises `InvalidInput` outside the calendar."""
    return _answer(day, await _sql.find(tx, day=day))


async def list_range(tx: Tx, first: Day, last: Day) -> list[TradingDay]:
    """Every day from first to last; raises `InvalidInput` when that is too many."""
    wanted = list(days.days(first, last))
    overrides = {row.day: row for row in await _sql.list_range(tx, first=first, last=last)}
    return [_answer(day, overrides.get(day)) for day in wanted]


async def check_override(
    tx: Tx, day: Day, version: int | None, change: TradingDayChange | None = None
) -> Override | None:
    """The override as it is, locked; raises `VersionConflict` unless `version` is its own, 0 where there is none."""
    _answer(day, None)
    before: Override | None = await _sql.find_for_update(tx, day=day)
    await check_version(tx, ("trading_day", day.isoformat()), before.version if before else 0, version, change)
    return before


async def do_override(tx: Tx, before: Override | None, day: Day, change: TradingDayChange) -> TradingDay:
    """Overrides the day; raises `VersionConflict` when somebody else did so in this very moment."""
    write = _sql.change if before else _sql.add
    after: Override | None = await write(tx, day=day, open=change.open, note=change.note)
    if after is None:
        raise VersionConflict
    await _emit(tx, "override", day, before, after)
    return _answer(day, after)


async def do_remove(tx: Tx, before: Override) -> TradingDay:
    """Takes the override back: the package speaks again."""
    await _sql.remove(tx, day=before.day)
    await _emit(tx, "remove_override", before.day, before, None)
    return _answer(before.day, None)


async def _emit(tx: Tx, action: str, day: Day, before: Override | None, after: Override | None) -> None:
    record = Record(action=action, noun="trading_day", noun_id=day.isoformat(), before=before, after=after)
    await emit(tx, TradingDayChanged(day=day), audit=record)


def _answer(day: Day, override: Override | None) -> TradingDay:
    rules = Calendar({day: override.open} if override else {})
    return TradingDay(
        day=day,
        open=rules.is_trading_day(day),
        source="override" if override else "package",
        note=override.note if override else "",
        version=override.version if override else 0,
        sessions=[Session(opens, closes) for opens, closes in rules.sessions(day)],
    )
