"""A test stand: an own PostgreSQL and real processes that are killed, stopped and started again at will."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import httpx
import msgspec
import psutil

from hexad.embedded import Postgres
from kernel.queues import WORK
from kernel.queues.client import Queues
from kernel.settings import Settings
from kernel.store.database import Tx
from tests.conftest import child_environment
from workers.runtime import probe

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
ANSWER_SECONDS = 15.0


class Process:
    """One of our processes, as the operator starts it."""

    def __init__(self, settings: Settings, command: str, log: Path, module: str = "hexad.main") -> None:
        self._arguments = [sys.executable, "-m", module, *command.split()]
        self._environment, self._log = child_environment(settings), log
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments, env=self._environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    @property
    def log(self) -> str:
        """Everything it has said."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def children(self) -> list[int]:
        """The processes that it has forked and that live."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.pid).children() if child.status() != "zombie"]
        return []

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks it to stop and gives its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(60)

    def end(self) -> None:
        """Leaves nothing behind."""
        for pid in [*self.children(), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()


class Stand:
    """Processes on an own cluster; ended together when the test ends."""

    def __init__(self, postgres: Postgres, settings: Settings, folder: Path, free_port: Callable[[], int]) -> None:
        self.postgres, self.settings, self._folder, self.free_port = postgres, settings, folder, free_port
        self.processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self.processes.values():
            process.end()

    def start(self, *commands: str, module: str = "hexad.main", settings: Settings | None = None) -> None:
        """Starts processes by the names of their commands; a name may carry a number after a `#`."""
        for command in commands:
            log = self._folder / f"{command.replace(' ', '-')}.log"
            self.processes[command] = Process(settings or self.settings, command.partition("#")[0], log, module)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """Rows from the database of the stand."""
        connection = await asyncpg.connect(self.settings.database_url, timeout=ANSWER_SECONDS)
        try:
            return list(await connection.fetch(query, *args, timeout=ANSWER_SECONDS))
        finally:
            await connection.close(timeout=ANSWER_SECONDS)

    async def value(self, query: str, *args: object) -> int:
        """The one number that a query gives, asked again while PostgreSQL is away."""
        while True:
            with contextlib.suppress(*AWAY):
                return int((await self.fetch(query, *args))[0][0])
            await asyncio.sleep(0.1)

    async def is_so(self, condition: str, of: str) -> bool:
        """Whether `select condition from of` is true."""
        return bool(await self.value(f"select case when {condition} then 1 else 0 end from {of}"))

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction that commits."""
        connection = await asyncpg.connect(self.settings.database_url, timeout=ANSWER_SECONDS)
        try:
            async with connection.transaction():
                yield connection
        finally:
            await connection.close(timeout=ANSWER_SECONDS)

    @property
    def broker(self) -> str:
        """The broker's name."""
        return "RabbitMQ" if self.settings.broker_url else "PGMQ"

    def second_worker(self) -> Settings:
        """The settings with another health port, for a second worker."""
        return msgspec.structs.replace(self.settings, worker_port=self.free_port())

    async def asks(self, process: str, path: str) -> tuple[int, str]:
        """Status and body that the health port of a process gives; 0 when it does not answer."""
        url = f"http://127.0.0.1:{getattr(self.settings, process + '_port')}{path}"
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
                answer = await client.get(url)
            return answer.status_code, answer.text
        except httpx.HTTPError:
            return 0, ""

    async def says(self, process: str, path: str, text: str) -> bool:
        """Whether the health port of a process says this."""
        return text in (await self.asks(process, path))[1]

    async def empty(self, queues: Queues) -> bool:
        """Whether no message waits for a worker."""
        return await queues.size(WORK) == 0

    async def handled(self) -> int:
        """How many probes have been handled."""
        return await self.value("select count(*) from probe where handled > 0")

    async def emit(self, events: int) -> None:
        """Starts so many probes, in transactions of fifty, through every outage."""
        left = events
        while left > 0:
            try:
                connection = await asyncpg.connect(self.settings.database_url, timeout=ANSWER_SECONDS)
                try:
                    while left > 0:
                        async with connection.transaction():
                            for _ in range(min(50, left)):
                                await probe.start(connection)
                        left -= 50
                        await asyncio.sleep(0)
                finally:
                    await connection.close(timeout=1)
            except AWAY:
                await asyncio.sleep(0.2)

    async def until(self, seconds: float, what: str, met: Callable[[], Awaitable[bool]]) -> float:
        """Waits for a condition and gives the seconds that took; fails saying `what`, with the ends of the logs."""
        started = time.monotonic()
        while not await met():
            if time.monotonic() - started > seconds:
                logs = "\n".join(f"--- {name}\n{one.log[-1500:]}" for name, one in self.processes.items())
                raise AssertionError(f"not within {seconds:g} s: {what}\n{await self.counts()}\n{logs}")
            await asyncio.sleep(0.1)
        return time.monotonic() - started

    async def counts(self) -> str:
        """What there is of probes, events and jobs."""
        with contextlib.suppress(*AWAY):
            probes = await self.fetch("select handled, count(*) from probe group by 1 order by 1")
            jobs = await self.fetch("select state, count(*) from job group by 1")
            events = (await self.fetch("select count(*) from outbox"))[0][0]
            return f"probes by handled {[tuple(r) for r in probes]}, jobs {[tuple(r) for r in jobs]}, outbox {events}"
        return "PostgreSQL is away"

    async def settled(self) -> bool:
        """Whether every probe was handled, the outbox is empty and no job is open."""
        return (
            await self.value(
                "select (select count(*) from probe where handled = 0) + (select count(*) from outbox)"
                " + (select count(*) from job where state <> 'done')"
            )
            == 0
        )
