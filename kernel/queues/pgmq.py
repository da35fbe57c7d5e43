"""Queues in the database itself (PGMQ): nothing to run beside PostgreSQL."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from kernel.errors import InvalidInput, Overloaded, Unavailable
from kernel.process.retry import Backoff
from kernel.queues import Queue
from kernel.queues.client import Delivery, Message, checked
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.database import BROKEN, Database, Tx
from kernel.store.sql import load

_CONNECTIONS = 4
_POLLS = (0.02, 0.2)
"""Shortest and longest pause between two looks into an empty queue, seconds."""

_sql = load(Path(__file__).with_name("pgmq.sql"))


class PgmqQueues:
    """`Queues` on PGMQ; a lease is the message's visibility timeout."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database: Database | None = None
        self._backoff = Backoff("PostgreSQL")

    async def publish(self, queue: Queue, messages: Sequence[Message]) -> None:
        """See `Queues`: one statement, all or none."""
        if not messages:
            return
        bodies = [checked(message.body).decode() for message in messages]
        headers = [_json(message.headers) for message in messages]
        async with self._connection() as tx:
            await _sql.send(tx, queue=queue.table, bodies=bodies, headers=headers)

    async def take(self, queue: Queue, at_most: int, *, lease: float, wait: float = 0.0) -> list[Delivery]:
        """See `Queues`: looks again and again, ever less often, until `wait` is over."""
        until, pause = time.monotonic() + wait, _POLLS[0]
        while True:
            async with self._connection() as tx:
                rows = await _sql.read(tx, queue=queue.table, lease=max(1, round(lease)), at_most=at_most)
            left = until - time.monotonic()
            if rows or left <= 0:
                return [_delivery(queue, *row) for row in rows]
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 2, _POLLS[1])

    async def hold(self, deliveries: Sequence[Delivery], lease: float) -> None:
        """See `Queues`."""
        if deliveries:
            async with self._connection() as tx:
                for queue, ones in _by_queue(deliveries).items():
                    await _sql.hold(tx, queue=queue.table, ids=[one.tag for one in ones], lease=round(lease))

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """See `Queues`."""
        if deliveries:
            async with self._connection() as tx:
                await _delete(tx, deliveries)

    async def refuse(self, deliveries: Sequence[Delivery], reason: str) -> None:
        """See `Queues`: moved in one transaction."""
        if not deliveries:
            return
        async with self._connection() as connection, connection.transaction():
            for queue, ones in _by_queue(deliveries).items():
                bodies = [one.body.decode() for one in ones]
                headers = [_json({**one.headers, "x-hexad-reason": reason}) for one in ones]
                await _sql.send(connection, queue=queue.dead.table, bodies=bodies, headers=headers)
            await _delete(connection, deliveries)

    async def release(self, queue: Queue) -> None:
        """See `Queues`: nothing comes before it is taken, and what is not settled has its lease."""

    async def size(self, queue: Queue) -> int:
        """See `Queues`: those that are leased are counted too."""
        async with self._connection() as tx:
            return int(await _sql.size(tx, queue=queue.table))

    async def declare(self, queues: Sequence[Queue]) -> None:
        """See `Queues`: `hexad migrate` has made them."""

    async def close(self) -> None:
        """See `Queues`."""
        if self._database is not None:
            await self._database.close()
            self._database = None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Tx]:
        outside.call("PGMQ")
        self._backoff.check()
        try:
            if self._database is None:
                url = self._settings.database_url
                self._database = await Database.open(url, self._settings, size=_CONNECTIONS, minimum=0)
            async with self._database.connection() as connection:
                yield connection
        except asyncpg.DataError as error:
            raise InvalidInput("a message is not JSON that PostgreSQL stores") from error
        except (*BROKEN, TimeoutError, Unavailable, Overloaded) as error:
            self._backoff.failed()
            raise Unavailable(f"PostgreSQL does not answer: {type(error).__name__}") from error
        self._backoff.worked()


async def _delete(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    for queue, ones in _by_queue(deliveries).items():
        await _sql.delete(tx, queue=queue.table, ids=[one.tag for one in ones])


def _by_queue(deliveries: Sequence[Delivery]) -> dict[Queue, list[Delivery]]:
    queues: dict[Queue, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        queues[delivery.queue].append(delivery)
    return queues


def _delivery(queue: Queue, tag: int, attempts: int, body: str, headers: str | None, publisher: str | None) -> Delivery:
    known: dict[str, Any] = msgspec.json.decode(headers) if headers else {}
    return Delivery(queue=queue, body=body.encode(), headers=known, attempts=attempts, tag=tag, publisher=publisher)


def _json(headers: Mapping[str, Any]) -> str:
    return msgspec.json.encode(headers).decode()
