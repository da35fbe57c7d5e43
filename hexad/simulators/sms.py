"""The SMS gateway simulator: takes what is for gateway `main`, keeps it in the mailbox, answers with receipts."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from hexad.simulators.mailbox import Letter, Mailbox
from hexad.simulators.rules import Manner, answers
from kernel.errors import HexadError
from kernel.process.probes import Probes
from kernel.queues import OUTBOUND, RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message, Queues
from kernel.settings import Settings
from kernel.telemetry import logs
from mobile_contracts.messaging.outbound import Receipt, Sms

QUEUES = [queue for queue in OUTBOUND if queue.name.startswith("outbound.sms.")]
_BATCH = 200
_BATCHES_AT_ONCE = 8
_LEASE = 30.0
_WAIT = 2.0
_REMEMBERED = 500_000
_log = logs.logger(__name__)


def run(settings: Settings, manner: Manner) -> None:
    """Serves until SIGTERM or SIGINT; what was taken and not answered by then comes again."""
    logs.configure("sms_simulator", settings)
    asyncio.run(_run(settings, manner))


async def _run(settings: Settings, manner: Manner) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_queues(settings) as queues:
        gateway = Gateway(queues, Mailbox(settings.var), manner)
        with Probes("sms_simulator", settings, {"broker": lambda: gateway.problem}) as probes:
            await gateway.serve(stop, probes.beat)


class Gateway:
    """Every message ends in one of two ways: its receipts are stored and it is acknowledged, or it is refused."""

    def __init__(self, queues: Queues, mailbox: Mailbox, manner: Manner) -> None:
        self._queues, self._mailbox, self._manner = queues, mailbox, manner
        self._room = asyncio.Semaphore(_BATCHES_AT_ONCE)
        self._seen = dict.fromkeys(mailbox.ids("sms"))
        self.problem: str | None = "the broker was not reached yet"

    async def serve(self, stop: asyncio.Event, beat: Callable[[], None] = lambda: None) -> None:
        """Takes messages until `stop` is set, then finishes those that wait for no later receipt."""
        async with asyncio.TaskGroup() as tasks:
            for queue in QUEUES:
                tasks.create_task(self._read(queue, stop, beat, tasks))

    async def _read(
        self, queue: Queue, stop: asyncio.Event, beat: Callable[[], None], tasks: asyncio.TaskGroup
    ) -> None:
        while not stop.is_set():
            beat()
            async with self._room:
                taken = await self._take(queue)
            if taken:
                await self._room.acquire()
                tasks.create_task(self._handle(taken, stop)).add_done_callback(lambda _: self._room.release())

    async def _take(self, queue: Queue) -> list[Delivery]:
        try:
            taken = await self._queues.take(
                queue, _BATCH, lease=_LEASE + self._manner.delay, wait=0 if self.problem else _WAIT
            )
        except HexadError as error:
            self.problem = error.detail
            await asyncio.sleep(1)
            return []
        self.problem = None
        return taken

    async def _handle(self, taken: list[Delivery], stop: asyncio.Event) -> None:
        """Answers one batch; whatever is not settled at `stop` or when the broker goes away comes again."""
        good: list[tuple[Delivery, Sms]] = []
        try:
            for delivery in taken:
                try:
                    good.append((delivery, msgspec.json.decode(delivery.body, type=Sms)))
                except msgspec.MsgspecError as error:
                    await self._queues.refuse([delivery], str(error))
            if later := await self._answer([sms for _, sms in good]):
                if await _set_within(stop, self._manner.delay):
                    return
                await self._send(later)
            await self._queues.acknowledge([delivery for delivery, _ in good])
        except HexadError as error:
            _log.warning("receipts not stored", reason=error.detail, messages=len(good))

    async def _answer(self, messages: list[Sms]) -> list[Receipt]:
        """Sends the receipts that are due at once and gives the later ones."""
        now = datetime.now(UTC)
        self._deliver([sms for sms in messages if now < sms.expires_at], now)
        receipts = [receipt for sms in messages for receipt in answers(sms, now, self._manner)]
        await self._send([receipt for receipt in receipts if receipt.at <= now])
        return [receipt for receipt in receipts if receipt.at > now]

    def _deliver(self, messages: list[Sms], now: datetime) -> None:
        """Shows the texts to their people; one that comes again under its id is the same, and not shown twice."""
        new = {str(sms.id): sms for sms in messages if str(sms.id) not in self._seen}
        self._mailbox.keep([Letter("sms", now, sms.sender, sms.to, "", sms.text, id_) for id_, sms in new.items()])
        self._seen.update(dict.fromkeys(new))
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    async def _send(self, receipts: list[Receipt]) -> None:
        await self._queues.publish(
            RECEIPTS, [Message(msgspec.json.encode(receipt), id=str(receipt.id)) for receipt in receipts]
        )


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
