"""Somebody who reads a customer again and again, to see whether a load makes readers wait."""

import asyncio
import threading
import time
from pathlib import Path

import asyncpg
from msgspec import Struct

from kernel.security.scope import apply_system
from kernel.settings import parse
from kernel.store.database import session_settings
from kernel.store.sql import load

_EVERY = 0.05
_sql = load(Path(__file__).with_name("reader.sql"))


class Reads(Struct, frozen=True):
    """How many there were, how many PostgreSQL refused, and the milliseconds of the longest."""

    count: int
    failures: int
    longest_ms: float


class Reader(threading.Thread):
    """Reads by the app's role under row-level security, each time in a transaction of its own, until it is stopped."""

    def __init__(self, url: str, customer_no: str) -> None:
        super().__init__(daemon=True)
        self._url, self._customer_no, self._over = url, customer_no, threading.Event()
        self._times: list[float] = []
        self._failures = 0

    def run(self) -> None:
        """Until it is stopped."""
        asyncio.run(self._read())

    def stop(self) -> Reads:
        """What it saw."""
        self._over.set()
        self.join()
        return Reads(len(self._times), self._failures, max(self._times, default=0.0) * 1000)

    async def _read(self) -> None:
        connection = await asyncpg.connect(self._url, server_settings=session_settings(parse({})))
        while not self._over.is_set():
            began = time.monotonic()
            try:
                async with connection.transaction():
                    await apply_system(connection, "bench", kind="company")
                    await _sql.find(connection, customer_no=self._customer_no)
            except asyncpg.PostgresError:
                self._failures += 1
            self._times.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, _EVERY - self._times[-1]))
        await connection.close()
