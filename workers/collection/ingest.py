"""`hexad ingest`: every day of a folder in order, one loader at a time, a report of what was wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from kernel.errors import InvalidInput, Overloaded, Unavailable
from kernel.settings import Settings
from kernel.store.database import AWAY, session_settings
from kernel.store.lineage import Lineage
from workers.collection import load
from workers.collection.column import LOADED
from workers.collection.day import Checked, Tally, check, coming, judge
from workers.collection.digest import digest_secret
from workers.collection.fault import Faults, faults_in_words
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
    async with _connected(settings) as connection:
        await _lock(connection, wait)
        with workspace(settings.var) as work:
            good = True
            counter = _Counter(progress, days)
            for day in days:
                good &= await _day(connection, work, day, settings, say, counter)
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


async def _day(
    connection: asyncpg.Connection,
    work: Workspace,
    deliveries_of_day: list[Delivery],
    settings: Settings,
    say: Callable[[str], None],
    counter: _Counter,
) -> bool:
    work.begin_day(deliveries_of_day[0].day)
    day = [Checked(number, delivery, Faults()) for number, delivery in enumerate(deliveries_of_day)]
    known = await _checked(connection, work, day, settings, counter)
    began = time.monotonic()
    if any(map(work.has, LOADED)):
        await work.beside(take_in, work, known)
        await work.beside(judge, work, day)
        await load.load_day(connection, work, day, settings, counter.read)
    together = time.monotonic() - began
    for one in day:
        for line in summary(one, together):
            say(line)
    return all(one.good for one in day)


async def _checked(
    connection: asyncpg.Connection, work: Workspace, day: list[Checked], settings: Settings, counter: _Counter
) -> list[str]:
    """Checks every delivery alone, while PostgreSQL writes out what they are compared with; gives the names of that."""
    secret, recorded = digest_secret(settings), [await load.recorded(connection, one.delivery.source) for one in day]
    known = asyncio.create_task(load.copy_known(connection, work, coming(day, recorded), day[0].delivery.day))
    try:
        for one, loaded in zip(day, recorded, strict=True):
            began = time.monotonic()
            await work.beside(check, work, one, loaded, secret, counter.read)
            one.seconds = time.monotonic() - began
    except BaseException:
        known.cancel()
        raise
    return await known


def summary(one: Checked, together: float) -> list[str]:
    """What became of a delivery, in lines: its faults, or its feeds; `together` are the seconds of the day's load."""
    remarks = [f"  remark: {line}" for line in one.faults.remarks]
    if not one.good:
        return [f"{one.delivery.name}: refused, {faults_in_words(one.faults.count)}, nothing of it is loaded",
                *(f"  {line}" for line in one.faults.report()), *remarks]  # fmt: skip
    feeds = ", ".join(f"{name} {_words(tally)}" for name, tally in one.tallies.items())
    seconds = one.seconds + (together if one.loading() else 0)
    lines = [f"{one.delivery.name}: {feeds} ({seconds:.1f} s)"]
    older = [name for name, tally in one.tallies.items() if tally.state == "older"]
    if older:
        lines.append(f"  nothing of {', '.join(older)} was changed: a newer day is loaded, {one.newer}")
    return lines + remarks


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
        await Lineage(settings).meet(connection)
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
