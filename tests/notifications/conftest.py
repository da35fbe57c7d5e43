"""A house in the transaction of the test, and one whose messages really leave, on both brokers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest

from kernel.queues.broker import open_queues
from kernel.queues.client import Queues
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus, Sms
from notifications.broadcast import dispatch
from notifications.broadcast.dispatch import Dispatch, Open
from notifications.receipt import receipt
from notifications.template.words import Words
from tests.brokers import broker
from tests.notifications.house import KNOWN, House

__all__ = ["broker"]
PATIENCE = 60.0
"""Seconds after which a test no longer waits for what must come."""

_Result = TypeVar("_Result")


@pytest.fixture
async def house(tx: Tx, settings: Settings) -> House:
    """Customers and broadcasts, gone when the test ends."""
    house = House(tx, settings)
    await house.open()
    return house


class Street:
    """What is committed here is handed over to the queues of a real broker."""

    def __init__(self, database: Database, queues: Queues, settings: Settings) -> None:
        self.database, self.queues, self.settings = database, queues, settings
        self.dispatch = Dispatch(database, queues, settings, Words(settings))

    @contextlib.asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house in a transaction that commits."""
        async with self.database.transaction() as tx:
            house = House(tx, self.settings)
            await house.open()
            yield house

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[House]:
        """A transaction of the system that commits, and holds nothing when it begins."""
        async with self.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            yield House(tx, self.settings)

    async def value(self, query: str, *given: object) -> Any:
        """What one query gives."""
        async with self.beside() as house:
            return await house.tx.fetchval(query, *given)

    async def until_somebody_waits(self) -> None:
        """Returns when a connection to this database waits for a lock."""
        async with asyncio.timeout(PATIENCE):
            while not await self.value(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.02)

    async def within(self, work: Callable[[House], Awaitable[_Result]]) -> _Result:
        """Does something in a transaction that commits."""
        async with self.house() as house:
            return await work(house)

    async def queued(self, people: int, template: str = "care") -> UUID:
        """A broadcast by SMS to so many new customers, all of whose messages wait."""
        async with self.house() as house:
            taken = await house.tx.fetchval("select count(*) from customer")
            house.count_from(taken)
            return await house.queued(template=template, customers=[await house.customer() for _ in range(people)])

    async def open(self, broadcast_id: UUID) -> Open:
        """The broadcast as the sender finds it."""
        async with self.house() as house:
            return next(one for one in await dispatch.list_open(house.tx) if one.id == broadcast_id)

    async def send(self, broadcast_id: UUID, *, unanswered: bool = False) -> int:
        """Hands over what is due of it."""
        return await self.dispatch.send(await self.open(broadcast_id), "sms", 500, unanswered=unanswered)

    async def taken(self, purpose: str = "service") -> list[Sms]:
        """What a gateway finds in the queue."""
        queue, found = dispatch.queue_of("sms", purpose), list[Sms]()  # type: ignore[arg-type]
        while some := await self.queues.take(queue, 500, lease=30, wait=0.3):
            await self.queues.acknowledge(some)
            found += [msgspec.json.decode(one.body, type=Sms) for one in some]
        return found

    async def states(self, broadcast_id: UUID) -> dict[str, int]:
        """Messages by state."""
        return await self.within(lambda house: house.states(broadcast_id))

    async def execute(self, statement: str, *given: object) -> None:
        """One statement as the system."""
        await self.within(lambda house: house.tx.execute(statement, *given))

    async def answer(self, messages: list[Sms], status: ReceiptStatus, code: str = "") -> None:
        """A gateway answers for each."""
        now = datetime.now(UTC)
        given = [Receipt(id=one.id, gateway="g", gateway_id="1", status=status, code=code, at=now) for one in messages]
        async with self.database.transaction() as tx:
            await receipt.apply(tx, given, KNOWN, House(tx, self.settings))


@pytest.fixture
async def street(broker: Settings) -> AsyncIterator[Street]:
    """Open at all hours."""
    settings = msgspec.structs.replace(broker, service_hours="00:00-24:00", pool_wait=10.0)
    database = await Database.open(settings.database_url, settings)
    async with open_queues(settings) as queues:
        yield Street(database, queues, settings)
    await database.close()
