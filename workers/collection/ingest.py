"""`hexad ingest`: every day of a folder in order, one loader at a time, a report of what was wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg

from kernel.database import AWAY, session_settings
from kernel.errors import InvalidInput, Overloaded, Unavailable
from kernel.settings import Settings
from workers.collection import load
from workers.collection.column import FIRST, REST
from workers.collection.day import Checked, Tally, check, coming, judge_first, judge_rest, opened, settle
from workers.collection.digest import digest_secret
from workers.collection.fault import faults_in_words
from workers.collection.manifest import Delivery, deliveries
from workers.collection.transfer import take_in
from workers.collection.workspace import Workspace, workspace

WAIT_SECONDS = 1800.0
"""How long one loader waits for another."""

Progress = Callable[[int, int], None]


async def ingest(
    settings: Settings, folder: Path, say: Callable[[str], None], progress: Progress, wait: float = WAIT_SECONDS
) -> bool:
    """Loads a delivery, a day or a root and says what became of each delivery; gives whether all of them were good.

    Raises `InvalidInput` for a folder that is none of these, `Overloaded` when another loader runs on, `Unavailable`.
    """
    days = deliveries(folder)
    good, counter = True, _Counter(progress, days)
    async with _connected(settings) as connection, _connected(settings) as beside:
        await _lock(connection, wait)
        with workspace(settings.var) as work:
            for of_day in days:
                began = time.monotonic()
                recorded = [await load.recorded(connection, one.source) for one in of_day]
                day = [opened(*one) for one in zip(range(len(of_day)), of_day, recorded, strict=True)]
                await _Day(settings, connection, beside, work, day, counter.read).take()
                for one in day:
                    for line in summary(one, time.monotonic() - began):
                        say(line)
                good &= all(one.good for one in day)
    return good


class _Counter:
    """Tells how many rows are done: each is read once, and loaded once if it is new or changed."""

    def __init__(self, progress: Progress, days: list[list[Delivery]]) -> None:
        self._progress, self._done = progress, 0
        self._total = sum(_rows(one) for day in days for one in day)

    def read(self, rows: int) -> None:
        """Rows were read."""
        self._done += rows
        self._progress(self._done, max(self._total, self._done))


def _rows(delivery: Delivery) -> int:
    try:
        return sum(file.rows for file in delivery.read().feeds.values())
    except InvalidInput:
        return 0


class _Day:
    """One day under way: what others refer to is merged while the rest is read and judged beside it."""

    def __init__(
        self,
        settings: Settings,
        connection: asyncpg.Connection,
        beside: asyncpg.Connection,
        work: Workspace,
        day: list[Checked],
        tell: Callable[[int], None],
    ) -> None:
        self._settings, self._connection, self._beside = settings, connection, beside
        self._work, self._day, self._tell = work, day, tell
        self._coming = coming(day)
        work.begin_day(day[0].delivery.day)

    async def take(self) -> None:
        """Reads, judges and loads it; what is wrong is noted in the faults of its deliveries."""
        await self._read(self._connection, self._work, FIRST)
        await in_thread(judge_first, self._work, self._day)
        rest = asyncio.create_task(self._rest())
        try:
            await (self._load(rest) if self._coming else rest)
        finally:
            rest.cancel()
            await asyncio.gather(rest, return_exceptions=True)

    async def _load(self, rest: Awaitable[bool]) -> None:
        """Loads what is good; once more when that is less than it was at first."""
        load_day = partial(load.load_day, self._connection, self._work, self._day, self._settings, self._tell)
        try:
            await load_day(rest)
        except load.TurnedBadError:
            await in_thread(settle, self._work, self._day)
            await load_day(asyncio.sleep(0, result=True))

    async def _rest(self) -> bool:
        """Reads and judges the other feeds; gives whether everything that is good without them still is."""
        standing = [one for one in self._day if one.good]
        with self._work.beside() as work:
            await self._read(self._beside, work, REST)
            await in_thread(judge_rest, work, self._day, standing)
        return all(one.good for one in standing)

    async def _read(self, connection: asyncpg.Connection, work: Workspace, feeds: Sequence[str]) -> None:
        """Checks these feeds alone, while PostgreSQL writes out what they are compared with."""
        secret, compared = digest_secret(self._settings), load.compared(self._coming).intersection(feeds)
        known = asyncio.create_task(load.copy_known(connection, work, compared, self._day[0].delivery.day))
        try:
            for one in self._day:
                began = time.monotonic()
                for name in [name for name in one.tallies if name in feeds]:
                    await in_thread(check, work, one, name, secret)
                    self._tell(one.tallies[name].rows)
                one.seconds += time.monotonic() - began
        except BaseException:
            known.cancel()
            raise
        await in_thread(take_in, work, await known)


async def in_thread(function: Callable[..., None], *arguments: object) -> None:
    """Runs it beside the event loop; it is waited for when we are cancelled, and may not outlive what it works on."""
    running = asyncio.get_running_loop().run_in_executor(None, partial(function, *arguments))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def summary(one: Checked, whole: float) -> list[str]:
    """What became of a delivery, in lines: its faults, or its feeds; `whole` are the seconds of its day."""
    if not one.good:
        return [f"{one.delivery.name}: refused, {faults_in_words(one.faults.count)}, nothing of it is loaded",
                *(f"  {line}" for line in one.faults.report())]  # fmt: skip
    feeds = ", ".join(f"{name} {_words(tally)}" for name, tally in one.tallies.items())
    seconds = whole if one.loading() else one.seconds
    lines = [f"{one.delivery.name}: {feeds} ({seconds:.1f} s)"]
    older = [name for name, tally in one.tallies.items() if tally.state == "older"]
    if older:
        lines.append(f"  nothing of {', '.join(older)} was changed: a newer day is loaded, {one.newer}")
    return lines


def _words(tally: Tally) -> str:
    words = {
        "same": f"{tally.rows} rows as before",
        "older": f"{tally.rows} rows of an older day, recorded",
        "not loaded yet": f"{tally.rows} rows checked, not loaded yet",
    }
    return words.get(
        tally.state,
        f"{tally.added} added, {tally.changed} changed, {tally.ended} ended, {tally.unchanged} unchanged",
    )


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A connection of our own, without the limits of requests."""
    limits = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    try:
        connection = await asyncpg.connect(
            settings.database_url,
            timeout=10,
            statement_cache_size=0,
            server_settings={**session_settings(settings), **limits},
        )
    except (*AWAY, asyncpg.PostgresError, TimeoutError) as error:
        raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error
    try:
        yield connection
    except (*AWAY, asyncpg.InterfaceError) as error:
        if isinstance(error, asyncpg.InterfaceError) and not connection.is_closed():
            raise
        raise Unavailable("the connection to PostgreSQL was lost: nothing of this day is loaded") from error
    finally:
        connection.terminate()


async def _lock(connection: asyncpg.Connection, wait: float) -> None:
    """Waits for whoever loads now; raises `Overloaded` when that takes too long."""
    until = time.monotonic() + wait
    while not await load.try_lock(connection):
        if time.monotonic() > until:
            raise Overloaded(f"another ingest has been running for {wait:g} s: try again when it is done")
        await asyncio.sleep(min(1.0, wait))
