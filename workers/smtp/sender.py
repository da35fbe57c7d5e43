"""The gateway `smtp-main`: every e-mail of the queues ends in a receipt or among the dead, or it comes again."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel import logs, metrics
from kernel.database import Database
from kernel.errors import InvalidInput, Unavailable
from kernel.queues import OUTBOUND, RECEIPTS, Queue
from kernel.queues.client import UNREADABLE, Delivery, Message, Queues
from kernel.settings import Settings
from mobile_contracts.outbound import Email, Receipt
from workers.smtp import journal
from workers.smtp.delivery import deliver
from workers.smtp.journal import Attempt, Ending
from workers.smtp.letter import Letter, compose
from workers.smtp.pool import Pool
from workers.smtp.rules import decide, ending, receipt

QUEUES = [queue for queue in OUTBOUND if queue.name.startswith("outbound.email.")]
_BATCH = 40
_WAIT = 2.0
_TIMEOUTS = 4
"""For so many time-outs of the relay a batch is worked on; its lease ends one later."""

_FORGET_SECONDS = 3600.0
_log = logs.logger(__name__)


class _Taken(Struct, frozen=True):
    """A message that can be sent."""

    delivery: Delivery
    email: Email
    letter: Letter


class Sender:
    """Takes from each queue one batch at a time; any number of senders may run."""

    def __init__(self, settings: Settings, database: Database, queues: Queues, pool: Pool) -> None:
        self._settings, self._database, self._queues, self._pool = settings, database, queues, pool

    async def turn(self, queue: Queue) -> float:
        """Takes a batch and brings it to its end; raises `Unavailable`, and then what was taken comes again.

        Nothing is taken while the relay is known to be away.
        """
        if self._pool.problem:
            await self._pool.check()
        lease = (_TIMEOUTS + 1) * self._settings.smtp_timeout
        until = time.monotonic() + _WAIT + _TIMEOUTS * self._settings.smtp_timeout
        taken = await self._queues.take(queue, _BATCH, lease=lease, wait=_WAIT)
        await self._answer([one for delivery in taken if (one := await self._readable(delivery))], until)
        return 0.0

    async def forget(self) -> float:
        """Forgets what is long past and gives the seconds to wait."""
        async with self._database.transaction() as tx:
            return 0.0 if await journal.forget(tx) else _FORGET_SECONDS

    async def _readable(self, delivery: Delivery) -> _Taken | None:
        """The message, or null for one that now lies among the dead, with a reason that tells nothing of a person."""
        try:
            email = msgspec.json.decode(delivery.body, type=Email)
            if delivery.queue.topic.split(".")[1] != email.purpose:
                raise InvalidInput(f"its purpose is not that of {delivery.queue.name}")
            return _Taken(delivery, email, compose(email, self._settings.smtp_bounce))
        except InvalidInput as error:
            reason = error.detail
        except UNREADABLE as error:
            reason = str(error)[:200]
        await self._queues.refuse([delivery], reason)
        metrics.EMAILS.labels("refused").inc()
        _log.warning("a message nobody can send lies among the dead", queue=delivery.queue.name, reason=reason)
        return None

    async def _answer(self, taken: Sequence[_Taken], until: float) -> None:
        """Receipts for all that are decided, then they are done with; those that wait come again after their lease."""
        if not taken:
            return
        now, first = datetime.now(UTC), {one.email.id: one for one in reversed(taken)}
        async with self._database.transaction() as tx:
            known = await journal.known(tx, list(first))
            decided = {id_: decide(one.email, known.get(id_), now) for id_, one in first.items()}
            wanted = [first[id_] for id_, one in decided.items() if one == "send"]
            await journal.begin(tx, [one.email for one in wanted])
        receipts = {id_: one for id_, one in decided.items() if isinstance(one, Receipt)}
        receipts |= await self._send(wanted, known, until)
        bodies = [Message(msgspec.json.encode(one), id=str(one.id)) for one in receipts.values()]
        await self._queues.publish(RECEIPTS, bodies)
        await self._queues.acknowledge([one.delivery for one in taken if one.email.id in receipts])
        for one in receipts.values():
            metrics.EMAILS.labels(one.status).inc()

    async def _send(self, wanted: Sequence[_Taken], known: dict[UUID, Attempt], until: float) -> dict[UUID, Receipt]:
        """Hands letters over side by side, and keeps what came of them before anybody is told."""
        endings = await asyncio.gather(*(self._one(one, known.get(one.email.id), until) for one in wanted))
        answered = [one for one in endings if one is not None]
        if wanted and not answered:
            raise Unavailable(self._pool.problem or "the relay did not answer in time")
        async with self._database.transaction() as tx:
            await journal.end(tx, answered)
        now, emails = datetime.now(UTC), {one.email.id: one.email for one in wanted}
        return {
            one.id: receipt(emails[one.id], one.status, one.code, one.gateway_id, now)
            for one in answered
            if one.status is not None
        }

    async def _one(self, taken: _Taken, known: Attempt | None, until: float) -> Ending | None:
        answer = await deliver(self._pool, taken.letter, until, test=self._settings.smtp_test)
        if answer is None:
            return None
        repeated = answer.repeated or (known is not None and known.unanswered > 0)
        if repeated:
            metrics.EMAILS_AGAIN.inc()
            _log.warning("sent again, for a try before had no answer", message=str(taken.email.id))
        tries = 1 if known is None else known.tries + 1
        return ending(taken.email, answer.code, answer.message, tries, repeated=repeated)
