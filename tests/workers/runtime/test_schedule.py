"""What is due by the clock is started once, at its time in Beijing, by however many beats."""

import asyncio
import datetime

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings import Settings
from kernel.store import clock
from kernel.store.database import Database, Tx
from kernel.telemetry import metrics
from mobile_contracts.event import Event, HousekeepingDue
from workers.runtime import probe
from workers.runtime.app import make_app
from workers.runtime.schedule import SCHEDULES, Schedule, Scheduler, Timetable

BEIJING = datetime.timezone(datetime.timedelta(hours=8))
NOON = datetime.datetime(2026, 3, 2, 12, 0, tzinfo=BEIJING)
MINUTE = datetime.timedelta(minutes=1)


async def due(_: Tx) -> Event:
    return HousekeepingDue()


EVERY_MINUTE = (Schedule("test", MINUTE, due),)


async def runs(database: Database) -> int:
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox") == await tx.fetchval(
            "select count(*) from schedule_run"
        )
        return int(await tx.fetchval("select count(*) from schedule_run"))


@given(
    st.datetimes(datetime.datetime.fromisoformat("2001-01-01"), datetime.datetime.fromisoformat("2090-01-01")),
    st.timedeltas(datetime.timedelta(seconds=1), datetime.timedelta(days=40)),
    st.timedeltas(datetime.timedelta(), datetime.timedelta(hours=23)),
)
def test_the_latest_occurrence_is_not_later_and_less_than_one_period_ago(
    now: datetime.datetime, every: datetime.timedelta, at: datetime.timedelta
) -> None:
    schedule, now = Schedule("test", every, due, at), now.replace(tzinfo=datetime.UTC)
    latest = schedule.latest(now)
    assert latest <= now < latest + every
    assert schedule.latest(latest) == latest


def test_housekeeping_is_at_ten_past_three_in_beijing() -> None:
    housekeeping = next(schedule for schedule in SCHEDULES if schedule.name == "housekeeping")
    assert housekeeping.latest(NOON) == datetime.datetime(2026, 3, 2, 3, 10, tzinfo=BEIJING)


async def test_an_occurrence_is_started_once(database: Database) -> None:
    table = Timetable(database, NOON - MINUTE, EVERY_MINUTE)
    assert await table.start_due(NOON) == ["test"]
    assert await table.start_due(NOON + MINUTE / 2) == []
    assert await table.start_due(NOON + MINUTE) == ["test"]
    assert await runs(database) == 2


async def test_beats_at_the_same_moment_start_it_once(database: Database) -> None:
    tables = [Timetable(database, NOON - MINUTE, EVERY_MINUTE) for _ in range(5)]
    started = await asyncio.gather(*(table.start_due(NOON) for table in tables))
    assert sorted(started) == [[], [], [], [], ["test"]]
    assert await runs(database) == 1


async def test_what_was_missed_is_started_once(database: Database) -> None:
    assert await Timetable(database, NOON - MINUTE, EVERY_MINUTE).start_due(NOON) == ["test"]
    later = NOON + datetime.timedelta(hours=3)
    table = Timetable(database, later, EVERY_MINUTE)
    assert await table.start_due(later) == ["test"]
    assert await table.start_due(later) == []
    assert await runs(database) == 2


async def test_a_new_schedule_begins_with_its_next_occurrence(database: Database) -> None:
    table = Timetable(database, NOON + MINUTE / 2, EVERY_MINUTE)
    assert await table.start_due(NOON + MINUTE / 2) == []
    assert await table.start_due(NOON + MINUTE) == ["test"]


async def test_a_beat_whose_clock_was_a_year_ahead_for_a_turn_stops_nothing(database: Database) -> None:
    ahead = NOON + datetime.timedelta(days=365)
    table = Timetable(database, NOON - MINUTE, EVERY_MINUTE)
    assert await table.start_due(ahead) == ["test"]
    assert [await table.start_due(NOON + number * MINUTE) for number in range(3)] == [["test"]] * 3
    assert await table.start_due(NOON + 2 * MINUTE) == []
    assert await Timetable(database, ahead, EVERY_MINUTE).start_due(ahead) == []


def test_beat_goes_by_the_clock_of_the_database(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime.datetime] = []

    async def years_later(_: Tx) -> datetime.datetime:
        asked.append(NOON)
        return NOON

    monkeypatch.setattr(clock, "now", years_later)
    scheduler = Scheduler(own_settings, lambda: None, make_app(own_settings, lambda _: "done"))
    for _ in range(2):
        scheduler.tick()
    with psycopg.connect(own_settings.database_url) as connection:
        assert connection.execute("select count(*) from schedule_run").fetchone() == (0,)
    scheduler.close()
    assert asked == [NOON, NOON]


def test_beat_outlives_whatever_postgresql_refuses(own_settings: Settings) -> None:
    turns: list[None] = []
    short = msgspec.structs.replace(own_settings, lock_timeout=0.1)
    scheduler = Scheduler(short, lambda: turns.append(None), make_app(short, lambda _: "done"))
    with psycopg.connect(own_settings.owner_url) as holder:
        holder.execute("lock table schedule_run")
        assert scheduler.tick() < 1.0
        assert "LockNotAvailable" in (scheduler.problem or "")
    assert scheduler.tick() == 1.0
    assert scheduler.problem is None
    assert len(turns) == 2
    scheduler.close()


async def test_a_schedule_that_fails_keeps_no_other_and_is_named(database: Database) -> None:
    async def fails(_: Tx) -> Event:
        raise ValueError("not this one")

    schedules = (Schedule("broken", MINUTE, fails), Schedule("sound", MINUTE, due))
    table = Timetable(database, NOON - MINUTE, schedules)
    assert await table.start_due(NOON) == ["sound"]
    assert table.failing.problem() == "broken: ValueError: not this one"
    assert b'hexad_loop_items_failing{loop="schedules"} 1.0' in metrics.render()[0]
    assert await runs(database) == 1


def test_beat_says_which_schedule_fails(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: Tx) -> Event:
        raise ValueError("not this one")

    monkeypatch.setattr(
        "workers.runtime.schedule.SCHEDULES", (Schedule("broken", datetime.timedelta(microseconds=1), fails),)
    )
    scheduler = Scheduler(own_settings, lambda: None, make_app(own_settings, lambda job: "done"))
    scheduler.tick()
    scheduler.tick()
    assert scheduler.problem == "broken: ValueError: not this one"
    scheduler.close()


async def test_the_probe_is_scheduled_with_its_row(database: Database) -> None:
    schedule = (Schedule("probe", MINUTE, probe.prepare),)
    await Timetable(database, NOON - MINUTE, schedule).start_due(NOON)
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from probe") == 1
