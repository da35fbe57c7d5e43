"""What happens by the clock: Celery's beat over the table `schedule_run`, so that any number of beats do it once."""

import asyncio
import datetime
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from celery import beat
from msgspec import Struct

from kernel.events.outbox import emit
from kernel.process.apart import Apart
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store import clock
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from mobile_contracts.event import AdvisoryDue, Event, ExpiryDue, HousekeepingDue, RemindersDue
from workers.runtime import probe
from workers.runtime.loops import Loops
from workers.runtime.measure import Measure

_BEIJING = datetime.timezone(datetime.timedelta(hours=8))  # China has had no summer time since 1991
_MIDNIGHT = datetime.datetime(2000, 1, 1, tzinfo=_BEIJING)
_LONGEST_PAUSE = 1.0
_AGAIN_SECONDS = 0.2
_sql = load(Path(__file__).with_name("schedule.sql"))
_log = logs.logger(__name__)


class Schedule(Struct, frozen=True):
    """Occurs `every` so often, counted from `at` after midnight in Beijing; `event` prepares what is emitted."""

    name: str
    every: datetime.timedelta
    event: Callable[[Tx], Awaitable[Event]]
    at: datetime.timedelta = datetime.timedelta()

    def latest(self, now: datetime.datetime) -> datetime.datetime:
        """The last occurrence that is not after `now`."""
        first = _MIDNIGHT + self.at
        return first + (now - first) // self.every * self.every


async def _housekeeping(_: Tx) -> Event:
    return HousekeepingDue()


async def _advisory(_: Tx) -> Event:
    return AdvisoryDue()


async def _expiry(_: Tx) -> Event:
    return ExpiryDue()


async def _reminders(_: Tx) -> Event:
    return RemindersDue()


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("probe", datetime.timedelta(minutes=1), probe.prepare),
    Schedule("housekeeping", datetime.timedelta(days=1), _housekeeping, datetime.timedelta(hours=3, minutes=10)),
    Schedule("advisory", datetime.timedelta(seconds=20), _advisory),
    Schedule("expiry", datetime.timedelta(hours=1), _expiry, datetime.timedelta(minutes=1)),
    Schedule("reminders", datetime.timedelta(minutes=10), _reminders),
)


class Timetable:
    """Starts occurrences; what was missed while no beat ran is started once, a new schedule with its next."""

    def __init__(self, database: Database, now: datetime.datetime, schedules: tuple[Schedule, ...]) -> None:
        self._database, self._since, self._schedules = database, now, schedules
        self.failing = Apart("schedules")

    async def start_due(self, now: datetime.datetime) -> list[str]:
        """Starts what is due and gives the names of what this beat, and no other, has started."""
        started = list[str]()
        for one in self._schedules:
            with self.failing.item(one.name):
                if await self._start(one, one.latest(now), now):
                    started.append(one.name)
        self.failing.forget()
        return started

    async def _start(self, schedule: Schedule, due: datetime.datetime, now: datetime.datetime) -> bool:
        started = await self._emit(schedule, due, now)
        if started:
            metrics.SCHEDULED.labels(schedule.name).inc()
            _log.info("schedule", name=schedule.name, due_at=due.isoformat())
        return started

    async def _emit(self, schedule: Schedule, due: datetime.datetime, now: datetime.datetime) -> bool:
        try:
            async with self._database.transaction() as tx:
                if due <= (await _sql.last(tx, name=schedule.name, now=now) or self._since):
                    return False
                await apply_system(tx, "beat")
                event_id = await emit(tx, await schedule.event(tx))
                if not await _sql.add(tx, name=schedule.name, due_at=due, event_id=event_id):
                    raise _StartedElsewhere
        except _StartedElsewhere:
            return False
        return True


class _StartedElsewhere(Exception):
    """Another beat was first: what this one has written is rolled back."""


class Scheduler(beat.Scheduler):
    """Celery's beat asks it what to do next; it sends nothing itself, events leave by the outbox."""

    def __init__(self, settings: Settings, turned: Callable[[], None], *args: Any, **options: Any) -> None:
        self._settings, self._turned = settings, turned
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._loops = Loops()
        self._timetable: Timetable | None = None
        self._database: Database | None = None
        self._measure: Measure | None = None
        self._measure_at = 0.0
        super().__init__(*args, **options)

    @property
    def problem(self) -> str | None:
        """Why nothing can be started now, null when it can."""
        failing = None if self._timetable is None else self._timetable.failing.problem()
        return self._loops.problems.get("beat") or failing

    def setup_schedule(self) -> None:
        """The schedule is `SCHEDULES`, not Celery's."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Starts what is due; gives the seconds until it wants to be asked again."""
        self._turned()
        pause = self._runner.run(self._loops.turn("beat", self._start_due))
        if time.monotonic() >= self._measure_at:
            self._measure_at = time.monotonic() + self._runner.run(self._loops.turn("measure", self._tell))
        return min(_LONGEST_PAUSE, pause)

    def close(self) -> None:
        """Called when beat stops."""
        if self._database is not None:
            self._runner.run(self._database.close())
        self._runner.close()

    async def _start_due(self) -> float:
        if self._database is None:
            self._database = await Database.open(self._settings.database_url, self._settings, size=1, minimum=0)
        async with self._database.connection() as connection:
            now = await clock.now(connection)
        if self._timetable is None:
            self._timetable = Timetable(self._database, now, SCHEDULES)
            self._measure = Measure(self._database, "beat")
        await self._timetable.start_due(now)
        return _AGAIN_SECONDS if self._timetable.failing.items else _LONGEST_PAUSE

    async def _tell(self) -> float:
        """What waits, so that somebody tells it while no relay does."""
        return _LONGEST_PAUSE if self._measure is None else await self._measure.turn()
