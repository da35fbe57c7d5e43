"""People to write to, a broadcast, and the far side of the queues, on a stand."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from kernel.queues import RECEIPTS
from kernel.queues.client import Message, Queues
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus, Sms
from notifications.broadcast import dispatch
from tests.faults.stand import Stand
from tests.notifications.house import House

GATEWAY = "simulator-1"
_Result = TypeVar("_Result")


class Crowd:
    """So many customers, each with a number of their own."""

    def __init__(self, stand: Stand, settings: Settings) -> None:
        self._stand, self._settings = stand, settings
        self.people: list[int] = []

    async def within(self, work: Callable[[House], Awaitable[_Result]]) -> _Result:
        """Does something in a transaction that commits."""
        async with self._stand.transaction() as tx:
            house = House(tx, self._settings)
            await house.open()
            return await work(house)

    async def gather(self, size: int) -> None:
        """Makes them."""

        async def make(house: House) -> list[int]:
            return [await house.customer() for _ in range(size)]

        self.people = await self.within(make)

    async def broadcast(self, **more: Any) -> UUID:
        """Starts one to all of them."""
        return await self.within(lambda house: house.started(customers=self.people, **more))

    async def rows(self, columns: str = "id, customer_id, state, reason, attempt, at") -> list[Any]:
        """Every message."""
        return await self.within(lambda house: house.tx.fetch(f"select {columns} from outgoing order by id"))

    async def count(self, condition: str) -> int:
        """How many messages are so."""
        return int(
            await self.within(lambda house: house.tx.fetchval(f"select count(*) from outgoing where {condition}"))
        )

    async def all(self, condition: str) -> bool:
        """Whether there is a message for everybody, and all are so."""
        return await self.count(condition) == len(self.people)


async def taken(queues: Queues, purpose: str = "service") -> list[Sms]:
    """Everything that a gateway finds in the queue."""
    found: list[Sms] = []
    while some := await queues.take(dispatch.queue_of("sms", purpose), 500, lease=60, wait=0.5):  # type: ignore[arg-type]
        found += [msgspec.json.decode(one.body, type=Sms) for one in some]
        await queues.acknowledge(some)
    return found


def said(
    ids: Sequence[UUID], status: ReceiptStatus, *, gateway: str = GATEWAY, at: datetime | None = None
) -> list[Message]:
    """A gateway's receipts."""
    when = at or datetime.now(UTC)
    receipts = [Receipt(id=one, gateway=gateway, gateway_id="1", status=status, code=status, at=when) for one in ids]
    return [Message(msgspec.json.encode(one)) for one in receipts]


async def answer(queues: Queues, ids: Sequence[UUID], status: ReceiptStatus) -> None:
    """The gateway answers for each of these."""
    await queues.publish(RECEIPTS, said(ids, status))
