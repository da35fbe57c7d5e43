"""Queues on RabbitMQ: quorum queues, persistent messages, publisher confirms of whole batches at once."""

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, NoReturn, cast

import aiormq
from aiormq.channel import Channel
from yarl import URL

from kernel.errors import Unavailable
from kernel.process.retry import Backoff
from kernel.queues import Queue, pipeline
from kernel.queues.client import Delivery, Message, checked
from kernel.queues.frames import Taken, Transport
from kernel.queues.pipeline import Way
from kernel.settings import Settings
from kernel.store import outside

CONNECT_SECONDS = 5.0
CONFIRM_SECONDS = 15.0
BROKEN = (aiormq.AMQPError, OSError, TimeoutError, RuntimeError)
"""What aiormq raises on a connection that is lost; a channel that closed meanwhile is a `RuntimeError`."""

PREFETCH = 1000
"""Messages of one queue that a client holds, taken or not, unless it is told otherwise."""

_UNCONFIRMED = 500
_FIRST_SECONDS = 0.1
_DELIVERIES = 1_000_000
"""RabbitMQ 4 would give up after 20: bury what came back while PostgreSQL was away, drop a dead letter looked at."""
_BROKERS_HEADERS = ("x-delivery-count", "x-death", "x-first-death-exchange", "x-first-death-queue",
                    "x-first-death-reason", "x-acquired-count")  # fmt: skip
_generations = itertools.count(1)


def arguments(name: str) -> dict[str, Any]:
    """What a queue is declared with, by us and by Celery alike: replicated, refused messages go to `<name>.dead`."""
    kept = {"x-queue-type": "quorum", "x-delivery-limit": _DELIVERIES}
    if name.endswith(".dead"):
        return kept
    return {**kept, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.dead"}


class _Subscription:
    """One queue consumed on a channel of its own: what came is buffered, what was taken is watched until settled."""

    def __init__(self, queue: Queue, channel: Channel, prefetch: int, ourselves: str) -> None:
        self.queue, self.channel, self.generation, self._prefetch = queue, channel, next(_generations), prefetch
        self._ourselves = ourselves
        self._buffer: deque[Taken] = deque()  # bounded by the prefetch
        self._filled = asyncio.Event()
        self._leased: dict[int, float] = {}
        self._settling = asyncio.Lock()  # who acknowledges all up to a tag means none that is going back
        self._cancelled = False

    @property
    def open(self) -> bool:
        """Whether messages can still come."""
        return not (self.channel.is_closed or self._cancelled)

    async def start(self, name: str, transport: Transport) -> None:
        """Asks the broker for messages, which `transport` takes out of the stream."""
        self.channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        transport.take(self.channel.number, self._on_message)
        await self.channel.basic_qos(prefetch_count=self._prefetch, timeout=CONFIRM_SECONDS)
        await self.channel.basic_consume(name, _unreachable, timeout=CONFIRM_SECONDS)

    async def take(self, at_most: int, lease: float, wait: float) -> list[Delivery]:
        """Up to `at_most` messages, waiting for the first."""
        await self._return_overdue()
        if not self._buffer:
            self._filled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(wait, _FIRST_SECONDS)):
                    await self._filled.wait()
        taken = [self._buffer.popleft() for _ in range(min(at_most, len(self._buffer)))]
        until = time.monotonic() + lease
        self._leased |= {one.tag: until for one in taken}
        return [self._delivery(one) for one in taken]

    async def hold(self, tags: Sequence[int], lease: float) -> None:
        """Those that are still ours are so for longer; what is over goes back."""
        async with _alone(self._settling):
            until = time.monotonic() + lease
            self._leased |= {tag: until for tag in tags if tag in self._leased}
        await self._return_overdue()

    async def acknowledge(self, tags: Sequence[int]) -> None:
        """Settles those that are still ours, in one word when nothing older is left."""
        async with _alone(self._settling):
            ours = sorted(tag for tag in tags if self._leased.pop(tag, None) is not None)
            if ours and not any(tag < ours[-1] for tag in self._leased):
                await self.channel.basic_ack(ours[-1], multiple=True, wait=False)
                return
            for tag in ours:
                await self.channel.basic_ack(tag, wait=False)

    async def _return_overdue(self) -> None:
        async with _alone(self._settling):
            now = time.monotonic()
            for tag in [tag for tag, until in self._leased.items() if until <= now]:
                del self._leased[tag]
                await self.channel.basic_nack(tag, requeue=True, wait=False)

    def _on_message(self, taken: Taken) -> None:
        self._buffer.append(taken)
        self._filled.set()

    async def _on_cancel(self, *_: Any) -> None:
        self._cancelled = True

    def _delivery(self, taken: Taken) -> Delivery:
        delivered = taken.headers.get("x-delivery-count", 0)
        return Delivery(
            queue=self.queue,
            body=taken.body,
            headers={name: value for name, value in taken.headers.items() if name not in _BROKERS_HEADERS},
            attempts=delivered + 1 if isinstance(delivered, int) else 1,
            tag=taken.tag,
            channel=self.generation,
            publisher=None if taken.user == self._ourselves else taken.user,
        )


class RabbitQueues:
    """`Queues` on RabbitMQ; all names carry `settings.queue_prefix`."""

    def __init__(self, settings: Settings, prefetch: int = PREFETCH) -> None:
        self._url, self._prefix, self._prefetch = settings.broker_url, settings.queue_prefix, prefetch
        self._user = URL(settings.broker_url).user or "guest"  # as aiormq does where none is named
        self._backoff = Backoff("RabbitMQ")
        self._lock = asyncio.Lock()  # who connects or declares
        self._connection: aiormq.Connection | None = None
        self._transport = Transport()
        self._publisher: Channel | None = None
        self._declared: set[str] = set()
        self._subscriptions: dict[Queue, _Subscription] = {}

    async def publish(self, queue: Queue, messages: Sequence[Message]) -> None:
        """See `Queues`: sent without waiting for one another, then all confirms are awaited."""
        for message in messages:
            checked(message.body)
        async with self._guarded():
            channel = await self._ready(queue)
            way = self._way(queue)
            for start in range(0, len(messages), _UNCONFIRMED):
                window = messages[start : start + _UNCONFIRMED]
                await pipeline.publish(channel, way, window, CONFIRM_SECONDS)

    async def take(self, queue: Queue, at_most: int, *, lease: float, wait: float = 0.0) -> list[Delivery]:
        """See `Queues`; what a process that died had taken comes again at once."""
        async with self._guarded():
            subscription = await self._subscription(queue)
            return await subscription.take(at_most, lease, wait)

    async def hold(self, deliveries: Sequence[Delivery], lease: float) -> None:
        """See `Queues`."""
        if held := list(self._held(deliveries)):
            async with self._guarded():
                for known, tags in held:
                    await known.hold(tags, lease)

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """See `Queues`."""
        if held := list(self._held(deliveries)):
            async with self._guarded():
                for known, tags in held:
                    await known.acknowledge(tags)

    async def refuse(self, deliveries: Sequence[Delivery], reason: str) -> None:
        """See `Queues`: confirmed in the dead queue first, then acknowledged, so none is lost in between."""
        for one in deliveries:
            await self.publish(one.queue.dead, [Message(one.body, {**one.headers, "x-hexad-reason": reason})])
            await self.acknowledge([one])

    async def release(self, queue: Queue) -> None:
        """See `Queues`: the channel is closed, and the broker gives its messages to others."""
        subscription = self._subscriptions.pop(queue, None)
        if subscription is not None and subscription.open:
            async with self._guarded(), asyncio.timeout(CONFIRM_SECONDS):
                await subscription.channel.close()

    async def size(self, queue: Queue) -> int:
        """See `Queues`: those that are leased are not counted."""
        async with self._guarded():
            channel = await self._ready(queue)
            found = await channel.queue_declare(self._prefix + queue.name, passive=True, timeout=CONFIRM_SECONDS)
            return int(found.message_count or 0)

    async def declare(self, queues: Sequence[Queue]) -> None:
        """See `Queues`."""
        async with self._guarded():
            for queue in queues:
                await self._ready(queue)

    async def close(self) -> None:
        """See `Queues`; a channel that is closed in good order has passed on what was acknowledged on it."""
        connection, self._connection, self._publisher = self._connection, None, None
        subscriptions, self._subscriptions = self._subscriptions, {}
        if connection is not None:
            with contextlib.suppress(*BROKEN):
                async with asyncio.timeout(CONNECT_SECONDS):
                    for one in subscriptions.values():
                        await one.channel.close()
                    await connection.close()

    @contextlib.asynccontextmanager
    async def _guarded(self) -> AsyncIterator[None]:
        outside.call("RabbitMQ")
        self._backoff.check()
        try:
            yield
        except (*BROKEN, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _cancelled():
                raise
            self._backoff.failed()
            await self.close()
            raise Unavailable(f"RabbitMQ does not answer: {type(error).__name__}: {error}") from error
        self._backoff.worked()

    async def _ready(self, queue: Queue) -> Channel:
        """The channel for publishing, with the queue and its dead letters declared on it."""
        async with _alone(self._lock):
            if self._publisher is None or self._publisher.is_closed or self._connection is None:
                self._publisher = await self._channel()
                self._declared = set()
            if queue.name not in self._declared:
                await self._declare(self._publisher, queue)
                self._declared.add(queue.name)
            return self._publisher

    async def _subscription(self, queue: Queue) -> _Subscription:
        await self._ready(queue)
        async with _alone(self._lock):
            known = self._subscriptions.get(queue)
            if known is None or not known.open:
                known = _Subscription(queue, await self._channel(), self._prefetch, self._user)
                await known.start(self._prefix + queue.name, self._transport)
                self._subscriptions[queue] = known
            return known

    def _held(self, deliveries: Sequence[Delivery]) -> Iterator[tuple[_Subscription, list[int]]]:
        """Those of a connection that was lost are passed over: they come again."""
        for queue in {one.queue for one in deliveries}:
            known = self._subscriptions.get(queue)
            if known and known.open:
                yield known, [one.tag for one in deliveries if one.queue == queue and one.channel == known.generation]

    async def _channel(self) -> Channel:
        if self._connection is None or self._connection.is_closed:
            self._transport = Transport()
            self._connection = await _connected(self._url, self._transport)
        async with asyncio.timeout(CONNECT_SECONDS):
            return cast("Channel", await self._connection.channel(publisher_confirms=True, on_return_raises=True))

    async def _declare(self, channel: Channel, queue: Queue) -> None:
        name = self._prefix + queue.name
        names = [name] if queue.is_dead else [name, name + ".dead"]
        for one in names:
            await channel.queue_declare(one, durable=True, arguments=arguments(one), timeout=CONFIRM_SECONDS)
        way = self._way(queue)
        if way.exchange:
            kind = "topic" if queue.topic else "direct"
            await channel.exchange_declare(way.exchange, exchange_type=kind, durable=True, timeout=CONFIRM_SECONDS)
            await channel.queue_bind(name, way.exchange, way.key, timeout=CONFIRM_SECONDS)

    def _way(self, queue: Queue) -> Way:
        """Where messages of a queue are published; where gateways write too, they bear our name."""
        exchange, key = queue.route
        if not exchange:
            return Way("", self._prefix + queue.name)
        return Way(self._prefix + exchange, key, None if queue.topic else self._user)


async def _connected(url: str, transport: Transport) -> aiormq.Connection:
    """A connection; one that failed is closed at once, since its finaliser would do so in whatever thread it runs."""
    connection = aiormq.Connection(url, transport_factory=transport)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await connection.connect()
    except BaseException:
        await connection.close()
        raise
    return connection


@contextlib.asynccontextmanager
async def _alone(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Nobody else has the lock; raises `TimeoutError` when those before take too long."""
    async with asyncio.timeout(CONFIRM_SECONDS):
        await lock.acquire()
    try:
        yield
    finally:
        lock.release()


async def _unreachable(message: object) -> NoReturn:
    """What aiormq would call for a delivery: the transport leaves it none."""
    raise RuntimeError(f"{message!r} was read by aiormq")


def _cancelled() -> bool:
    """Whether our own task is to end; else aiormq has cancelled what waited on a lost connection."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
