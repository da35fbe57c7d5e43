"""Days are overridden once per version, with an event and an audit row, and the calendar follows."""

import asyncio
import datetime

import pytest

from kernel.calendar import trading_day
from kernel.calendar.trading_day import CalendarOfNow
from kernel.errors import InvalidInput, VersionConflict
from kernel.security import scope
from kernel.store.database import Database, Tx
from mobile_contracts.operations.calendar import TradingDay, TradingDayChange

DAY = datetime.date(2026, 11, 23)
CLOSED = TradingDayChange(open=False, note="台风")


async def override(tx: Tx, version: int, change: TradingDayChange = CLOSED) -> TradingDay:
    before = await trading_day.check_override(tx, DAY, version)
    return await trading_day.do_override(tx, before, DAY, change)


async def test_without_an_override_the_package_speaks(tx: Tx) -> None:
    day = await trading_day.find(tx, DAY)
    assert (day.open, day.source, day.version) == (True, "package", 0)
    assert [one.opens.isoformat() for one in day.sessions] == ["2026-11-23T09:30:00+08:00", "2026-11-23T13:00:00+08:00"]


async def test_an_override_is_seen_at_once_and_everywhere(tx: Tx) -> None:
    said = await override(tx, 0)
    assert (said.open, said.source, said.note, said.sessions) == (False, "override", "台风", [])
    assert said.version > 0
    assert await trading_day.find(tx, DAY) == said
    assert (await trading_day.list_range(tx, DAY, DAY + datetime.timedelta(1)))[0] == said
    assert not (await trading_day.load_calendar(tx)).is_trading_day(DAY)


async def test_a_change_leaves_an_event_and_an_audit_row(tx: Tx) -> None:
    await scope.apply_system(tx, "test", request_id="r1")
    first = await override(tx, 0)
    second = await override(tx, first.version, TradingDayChange(open=True))
    event = await tx.fetchrow("select kind, payload, request_id from outbox order by id desc limit 1")
    assert event is not None
    assert (event[0], event[2]) == ("TradingDayChanged", "r1")
    assert '"2026-11-23"' in event[1]
    row = await tx.fetchrow(
        "select principal, action, noun, noun_id, before, after from audit order by id desc limit 1"
    )
    assert row is not None
    assert tuple(row)[:4] == ("system:test", "override", "trading_day", "2026-11-23")
    assert f'"version": {first.version}' in row["before"]
    assert f'"version": {second.version}' in row["after"]


async def test_whoever_read_an_older_version_is_refused(tx: Tx) -> None:
    read = await override(tx, 0)
    for version in (0, read.version - 1, read.version + 1):
        with pytest.raises(VersionConflict):
            await trading_day.check_override(tx, DAY, version)


async def test_taken_back_the_package_speaks_again(tx: Tx) -> None:
    before = await trading_day.check_override(tx, DAY, (await override(tx, 0)).version)
    assert before is not None
    assert (await trading_day.do_remove(tx, before)).source == "package"
    assert (await trading_day.find(tx, DAY)).open
    assert await tx.fetchval("select action from audit order by id desc limit 1") == "remove_override"


async def test_two_at_once_one_is_told(database: Database) -> None:
    async def one() -> TradingDay:
        async with database.transaction() as tx:
            return await override(tx, 0)

    done = await asyncio.gather(*(one() for _ in range(5)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in done) == ["TradingDay"] + ["VersionConflict"] * 4


async def test_days_outside_the_calendar_are_refused(tx: Tx) -> None:
    with pytest.raises(InvalidInput):
        await trading_day.check_override(tx, datetime.date(2100, 1, 1), 0)
    with pytest.raises(InvalidInput):
        await trading_day.list_range(tx, datetime.date(2020, 1, 1), datetime.date(2026, 1, 1))


async def test_a_process_learns_of_an_override_after_a_while(database: Database) -> None:
    kept, fresh = CalendarOfNow(database, seconds=3600), CalendarOfNow(database, seconds=0)
    assert (await kept.get()).is_trading_day(DAY)
    async with database.transaction() as tx:
        await override(tx, 0)
    assert (await kept.get()).is_trading_day(DAY)
    assert not (await fresh.get()).is_trading_day(DAY)
