"""The row in `worker` by which others know that somebody lives who does jobs, and of which queues."""

import asyncio
import os
import socket
from pathlib import Path
from typing import NoReturn

import uuid_utils.compat as uuid

from kernel.process.apart import Apart
from kernel.queues import Queue
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load

_SIGNS = 6
"""Signs of life within the time after which silence means death."""

_sql = load(Path(__file__).with_name("life.sql"))


class Life:
    """Says every few seconds that this process does jobs of these queues; `id` is what its claims bear."""

    def __init__(self, database: Database, settings: Settings, *queues: Queue) -> None:
        self.id, self.failing = uuid.uuid7(), Apart("signs of life")
        self._database, self._silence, self._queues = database, settings.worker_silence, [one.name for one in queues]

    async def live(self) -> NoReturn:
        """Says so again and again, whatever is away meanwhile."""
        while True:
            with self.failing.turn():  # who stopped saying so would be dead
                await self.sign()
            await asyncio.sleep(self._silence / _SIGNS)

    async def sign(self) -> None:
        """Says so once."""
        async with self._database.connection() as connection:
            await _sql.live(connection, id=self.id, host=socket.gethostname(), pid=os.getpid(), queues=self._queues)

    async def leave(self) -> None:
        """Takes nothing any more."""
        async with asyncio.timeout(2), self._database.connection() as connection:
            await _sql.leave(connection, id=self.id)
