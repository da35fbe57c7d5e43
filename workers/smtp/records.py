"""What came of messages, recorded before anybody is told, and told before their place is given up."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from kernel.process.apart import Apart
from kernel.process.retry import Backoff
from kernel.queues import RECEIPTS
from kernel.queues.client import Message, Queues, written
from kernel.security.crypto import Fields
from kernel.store.database import Database
from kernel.telemetry import metrics
from mobile_contracts.messaging.outbound import Email, Receipt
from workers.runtime.job import DATABASE_AWAY
from workers.smtp import deferred, journal
from workers.smtp.journal import Ending
from workers.smtp.reading import Taken
from workers.smtp.rules import receipt


class Ended(Struct, frozen=True):
    """A message that is done with for now: answered, put off for `again_in` seconds, or (neither) a double."""

    taken: Taken
    receipt: Receipt | None = None
    ending: Ending | None = None
    again_in: float | None = None


def ended(taken: Taken, ending: Ending) -> Ended:
    """How a try ended, with the receipt that tells of it."""
    if ending.status is None:
        return Ended(taken, None, ending, ending.again_in)
    told = receipt(taken.email, ending.status, ending.code, ending.gateway_id, datetime.now(UTC))
    return Ended(taken, told, ending)


class Records:
    """Writes for many messages at once; while PostgreSQL or the broker is away it tries for `patience` seconds."""

    def __init__(
        self, database: Database, queues: Queues, fields: Fields, patience: float, failing: Apart | None = None
    ) -> None:
        self._database, self._queues, self._fields, self._patience = database, queues, fields, patience
        self._failing = failing or Apart("mail")

    async def begin(self, emails: Sequence[Email]) -> None:
        """Notes that the relay hears of them now."""
        async with self._database.transaction() as tx:
            await journal.begin(tx, emails)

    async def end(self, items: Sequence[Ended]) -> None:
        """Notes, tells and lets go, in this order: who dies between is answered from what was noted.

        One that cannot be noted or told is not let go: it comes again, alone.
        """
        noted = await self._failing.halved(items, self._insist_on_noting, lambda one: str(one.taken.email.id))
        bodies, items = list[Message](), list[Ended]()
        for one in (one for part in noted for one in part):
            with self._failing.item(str(one.taken.email.id)):
                if one.receipt is not None:
                    bodies.append(Message(written(one.receipt), id=str(one.receipt.id)))
                items.append(one)
        await self._insist(lambda: self._queues.publish(RECEIPTS, bodies))
        await self._insist(lambda: self._let_go(items))
        for one in items:
            if one.receipt is not None or one.again_in is not None:
                metrics.EMAILS.labels("later" if one.receipt is None else one.receipt.status).inc()

    async def _insist_on_noting(self, items: Sequence[Ended]) -> Sequence[Ended]:
        await self._insist(lambda: self._note(items))
        return items

    async def _note(self, items: Sequence[Ended]) -> None:
        waiting = [(one.taken.email, one.again_in) for one in items if one.again_in is not None]
        endings = [one.ending for one in items if one.ending is not None]
        async with self._database.transaction() as tx:
            await journal.end(tx, endings)
            await deferred.put(tx, self._fields, [one for one, _ in waiting], [seconds for _, seconds in waiting])

    async def _let_go(self, items: Sequence[Ended]) -> None:
        await self._queues.acknowledge([one.taken.delivery for one in items if one.taken.delivery is not None])
        over = [one.taken.email.id for one in items if one.taken.delivery is None and one.again_in is None]
        if over:
            async with self._database.transaction() as tx:
                await deferred.remove(tx, over)

    async def _insist(self, step: Callable[[], Awaitable[None]]) -> None:
        backoff, until = Backoff("a record"), time.monotonic() + self._patience
        while True:
            try:
                return await step()
            except DATABASE_AWAY:
                if time.monotonic() > until:
                    raise
                backoff.failed()
                await asyncio.sleep(backoff.pause)
