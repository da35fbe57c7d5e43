"""One child of the worker: an event loop on a thread of its own, a pool and a client of the broker.

All are made after the fork and kept.
"""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import uuid_utils.compat as uuid
import uvloop

from kernel import logs, tracing
from kernel.database import Database
from kernel.queues.broker import make_queues
from kernel.settings import Settings
from kernel.sql import load
from workers.job import DATABASE_AWAY, Jobs, Outcome
from workers.message import Job
from workers.registry import Means

_CONNECTIONS = 3
_SIGNS = 6
"""Signs of life within the time after which silence means death."""

_sql = load(Path(__file__).with_name("child.sql"))
_log = logs.logger(__name__)
_Result = TypeVar("_Result")


class Child:
    """Does jobs in the process that called `start`, and says every few seconds that it lives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self, **_: Any) -> None:
        """Called in the child after the fork; returns at once, also while PostgreSQL is away."""
        tracing.start("worker", self._settings)
        self._id = uuid.uuid7()
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True).start()
        url = self._settings.database_url
        self._database = self._wait(Database.open(url, self._settings, size=_CONNECTIONS, minimum=0))
        self._queues = make_queues(self._settings)
        self._jobs = Jobs(self._database, self._id, Means(self._settings, self._queues))
        self._signs = self._wait(self._begin())

    def do(self, job: Job) -> Outcome:
        """Does one job to its end; raises `Unavailable` when PostgreSQL stays away."""
        return self._wait(self._jobs.do(job))

    def stop(self, **_: Any) -> None:
        """Called in the child before it ends."""
        with contextlib.suppress(*DATABASE_AWAY):
            self._wait(self._leave())
        tracing.stop()

    async def _begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._live())

    async def _live(self) -> None:
        while True:
            try:
                async with self._database.connection() as connection:
                    await _sql.live(connection, id=self._id, host=socket.gethostname(), pid=os.getpid())
            except Exception as error:  # noqa: BLE001 - whatever it is: a child that stopped saying so would be dead
                _log.debug("no sign of life could be given", error=type(error).__name__)
            await asyncio.sleep(self._settings.worker_silence / _SIGNS)

    async def _leave(self) -> None:
        self._signs.cancel()
        await asyncio.wait([self._signs])
        await self._queues.close()
        async with asyncio.timeout(2), self._database.connection() as connection:
            await _sql.leave(connection, id=self._id)
        await self._database.close()

    def _wait(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
