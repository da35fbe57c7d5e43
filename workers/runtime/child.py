"""One child of the worker: an event loop on a thread of its own, a pool and a client of the broker.

All are made after the fork and kept.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

from kernel.queues import WORK
from kernel.queues.broker import make_queues
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import tracing
from workers.runtime.job import DATABASE_AWAY, Jobs, Outcome
from workers.runtime.life import Life
from workers.runtime.message import Job
from workers.runtime.registry import Means

_CONNECTIONS = 3
_Result = TypeVar("_Result")


class Child:
    """Does jobs in the process that called `start`, and says every few seconds that it lives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def start(self, **_: Any) -> None:
        """Called in the child after the fork; returns at once, also while PostgreSQL is away."""
        tracing.start("worker", self._settings)
        self._loop = uvloop.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="jobs", daemon=True).start()
        url = self._settings.database_url
        self._database = self._wait(Database.open(url, self._settings, size=_CONNECTIONS, minimum=0))
        self._queues = make_queues(self._settings)
        self._life = Life(self._database, self._settings, WORK)
        self._jobs = Jobs(self._database, self._life.id, Means(self._settings, self._queues, self._database))
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
        return asyncio.create_task(self._life.live())

    async def _leave(self) -> None:
        self._signs.cancel()
        await asyncio.wait([self._signs])
        await self._queues.close()
        await self._life.leave()
        await self._database.close()

    def _wait(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
