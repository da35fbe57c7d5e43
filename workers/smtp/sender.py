"""The gateway `smtp-main`: every e-mail of the queues ends in a receipt or among the dead, or it comes again.

Each message is its own task, and each ending is recorded as it comes, so none waits for the slowest of a batch. What
has to wait for its time leaves the queue meanwhile (`deferred.py`).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from kernel.errors import Unavailable
from kernel.process.apart import Apart
from kernel.queues import OUTBOUND, Queue
from kernel.queues.client import Queues, id_of
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store import clock
from kernel.store.database import Database
from kernel.telemetry import logs, metrics
from mobile_contracts.messaging.outbound import Receipt
from workers.runtime.job import DATABASE_AWAY
from workers.smtp import deferred, journal
from workers.smtp.delivery import deliver
from workers.smtp.gathering import Gathering
from workers.smtp.journal import Attempt
from workers.smtp.pool import Pool
from workers.smtp.reading import Reading, Taken
from workers.smtp.records import Ended, Records, ended
from workers.smtp.rules import OUR_ERROR, decide, ending, put_off

QUEUES = [queue for queue in OUTBOUND if queue.name.startswith("outbound.email.")]
IN_HAND = 40
"""Messages of one queue that a sender works on side by side; it asks the broker for no more."""

_WAIT = 2.0
_LOOK = 1.0
_START, _LEASE = 3, 8
"""A letter may wait for its connection for so many time-outs of the relay; so many later somebody else may have it."""

_FORGET_SECONDS = 3600.0
_COUNT_SECONDS = 15.0
_log = logs.logger(__name__)


class Sender:
    """Keeps some messages of each queue in hand; any number of senders may run."""

    def __init__(
        self, settings: Settings, database: Database, queues: Queues, pool: Pool, failing: Apart | None = None
    ) -> None:
        self._settings, self._database, self._queues, self._pool = settings, database, queues, pool
        self._fields = Fields(settings)
        self._lease = _LEASE * settings.smtp_timeout + _WAIT
        self._reading = Reading(settings, database, queues, self._fields)
        self.failing = failing or Apart("mail")
        self._records = Records(database, queues, self._fields, self._lease, self.failing)
        self._begun = Gathering(self._records.begin)
        self._ended = Gathering(self._records.end)
        self._lanes: defaultdict[str, dict[UUID, asyncio.Task[None]]] = defaultdict(dict)
        self._copies: defaultdict[UUID, list[Taken]] = defaultdict(list)

    @property
    def problem(self) -> str | None:
        """Why nothing is sent now, null when it is."""
        return self._pool.problem

    async def turn(self, queue: Queue) -> float:
        """Takes what there is room for and begins with it; raises `Unavailable`, and then what was taken comes again.

        Nothing is taken or held while the relay is away or refuses us.
        """
        room = await self._room(queue.name)
        try:
            await self._usable()
        except Unavailable:
            if not self._lanes[queue.name]:
                await self._queues.release(queue)
            raise
        if room:
            until = self._until()
            deliveries = await self._queues.take(queue, room, lease=self._lease, wait=_WAIT)
            taken = list[Taken]()
            for delivery in deliveries:
                with self.failing.item(str(id_of(delivery.body) or f"{queue.name} {delivery.tag}")):  # it comes again
                    if (one := await self._reading.readable(delivery)) is not None:
                        taken.append(one)
            await self._begin(queue.name, taken, until)
        return 0.0

    async def turn_deferred(self) -> float:
        """The same with what was put off and is due."""
        room = await self._room("deferred")
        await self._usable()
        until = self._until()
        async with self._database.transaction() as tx:
            due = await deferred.claim(tx, self._lease, room) if room else []
        taken = list[Taken]()
        for row in due:
            with self.failing.item(str(row.id)):  # it comes again
                if (one := await self._reading.opened(row)) is not None:
                    taken.append(one)
        await self._begin("deferred", taken, until)
        return 0.0 if due else _LOOK

    async def forget(self) -> float:
        """Forgets what is long past and gives the seconds to wait."""
        async with self._database.transaction() as tx:
            return 0.0 if await journal.forget(tx) else _FORGET_SECONDS

    async def count(self) -> float:
        """Tells how many wait for their time, and gives the seconds to wait."""
        async with self._database.transaction() as tx:
            metrics.EMAILS_DEFERRED.set(await deferred.count(tx))
        self.failing.forget()
        return _COUNT_SECONDS

    async def drained(self) -> None:
        """Returns when nothing is in hand any more."""
        while tasks := [task for lane in self._lanes.values() for task in lane.values()]:
            await asyncio.wait(tasks)
            await asyncio.sleep(0)

    def abandon(self) -> None:
        """Leaves what is in hand as it is: it comes again."""
        for lane in self._lanes.values():
            for task in lane.values():
                task.cancel()

    async def _usable(self) -> None:
        if self._pool.problem:
            await self._pool.check()

    def _until(self) -> float:
        return time.monotonic() + _START * self._settings.smtp_timeout

    async def _room(self, name: str) -> int:
        """How many more may be taken; waits a little for the first place."""
        lane = self._lanes[name]
        if len(lane) >= IN_HAND:
            await asyncio.wait(lane.values(), timeout=_WAIT, return_when=asyncio.FIRST_COMPLETED)
        return max(0, IN_HAND - len(lane))

    async def _begin(self, name: str, taken: Sequence[Taken], until: float) -> None:
        """A task for each that is to be sent; what is answered already, or waits already, ends here."""
        if not taken:
            return
        first = {one.email.id: one for one in reversed(taken)}
        async with self._database.transaction() as tx:
            now = await clock.now(tx)
            known = await journal.known(tx, list(first))
            held = await deferred.renew(tx, self._fields, [one.email for one in first.values() if one.delivery])
        done: list[Ended] = []
        for one in taken:
            id_ = one.email.id
            decision = decide(one.email, known.get(id_), now)
            if one.delivery is None and self._has(id_):
                continue  # it is in hand already, and its row stays until that has ended
            if self._has(id_):
                self._copies[id_].append(one)  # it may be the only one that the broker has
            elif one is not first[id_] or id_ in held:
                done.append(Ended(one))
            elif isinstance(decision, Receipt):
                done.append(Ended(one, decision))
            elif decision == "send":
                self._start(name, one, known.get(id_), until)
            else:
                done.append(Ended(one, again_in=decision))
        await self._records.end(done)

    def _has(self, message_id: UUID) -> bool:
        return any(message_id in lane for lane in self._lanes.values())

    def _start(self, name: str, one: Taken, known: Attempt | None, until: float) -> None:
        lane, id_ = self._lanes[name], one.email.id
        lane[id_] = asyncio.create_task(self._work(one, known, until))
        lane[id_].add_done_callback(lambda task: self._over(lane, id_, task))

    async def _work(self, one: Taken, known: Attempt | None, until: float) -> None:
        """Brings a message to its end, or to where it waits, and lets go of what came of it meanwhile."""
        await self._ended.add(await self._handed_over(one, known, until))
        await self._records.end([Ended(copy) for copy in self._copies.pop(one.email.id, [])])

    async def _handed_over(self, one: Taken, known: Attempt | None, until: float) -> Ended:
        tries = 1 if known is None else known.tries + 1
        try:
            answer = await deliver(
                self._pool, one.letter, until, lambda: self._begun.add(one.email),
                urgent=one.email.purpose == "transactional", test=self._settings.smtp_test,
            )  # fmt: skip
        except DATABASE_AWAY:  # nobody has heard of it
            return ended(one, put_off(one.email, tries - 1, begun=False))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this message's alone
            self.failing.failed(str(one.email.id), error)
            answer = OUR_ERROR
        repeated = known is not None and known.unanswered > 0
        if repeated:
            metrics.EMAILS_AGAIN.inc()
            _log.warning("sent again, for a try before had no answer", message=str(one.email.id))
        what = ending(one.email, answer, tries, self._settings.smtp_retry, repeated=repeated)
        return ended(one, what)

    def _over(self, lane: dict[UUID, asyncio.Task[None]], message_id: UUID, task: asyncio.Task[None]) -> None:
        """One that ended in an error comes again."""
        del lane[message_id]
        self._copies.pop(message_id, None)  # which come again
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.failing.failed(str(message_id), error)
