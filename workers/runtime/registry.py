"""Who handles which event: `@handles(Event, name=…)` makes a handler of an async function of transaction and event.

One that sends things out of the house is marked `@sends(Event, …)`. It has no transaction around it, so that none is
open while somebody else does not answer; it takes the `Means` of its worker, and opens short ones of its own.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, get_args

from msgspec import Struct, field

from kernel.process.apart import Apart
from kernel.queues import WORK, Queue
from kernel.queues.client import Queues
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.event import AnyEvent, Event


class Means(Struct, frozen=True):
    """What a worker's child has: its pool, and a client of the broker, which it keeps and closes."""

    settings: Settings
    queues: Queues
    database: Database
    failing: Apart = field(default_factory=lambda: Apart("handlers"))
    """What single items of handlers fail of."""

    @contextlib.asynccontextmanager
    async def transaction(self, handler: str) -> AsyncIterator[Tx]:
        """A short transaction of a handler that sends, as the system over the whole company."""
        async with self.database.transaction() as tx:
            await apply_system(tx, handler, kind="company")
            yield tx


Run = Callable[[Tx, Any], Awaitable[None]]
Send = Callable[[Any, Means], Awaitable[None]]

KINDS: dict[str, type[Event]] = {kind.kind(): kind for kind in get_args(AnyEvent)}
"""Every kind of event that this version knows; one without a handler is nobody's business."""


class Handler(Struct, frozen=True):
    """A handler: its name stands in `job` and in messages, so another name abandons what still waits under this one.

    `send` is done first, outside every transaction; `run` in the transaction that marks the job done.
    """

    name: str
    event: type[Event]
    run: Run
    send: Send
    queue: Queue = WORK

    @property
    def sends(self) -> bool:
        """Whether it calls somebody outside."""
        return self.queue != WORK


_handlers: dict[str, Handler] = {}


def handles(event: type[Event], *, name: str) -> Callable[[Run], Run]:
    """Registers the function under the name; raises `ValueError` when the name is taken."""

    def register(run: Run) -> Run:
        _register(Handler(name, event, run, _sends_nothing))
        return run

    return register


def sends(event: type[Event], queue: Queue, *, name: str) -> Callable[[Send], Send]:
    """The same for a handler that calls somebody outside, with the queue in which its jobs wait.

    What it does is done again when its process dies before the job is marked done: what it sends must bear the same id.
    """

    def register(send: Send) -> Send:
        _register(Handler(name, event, _nothing_left, send, queue))
        return send

    return register


def _register(handler: Handler) -> None:
    if handler.name in _handlers:
        raise ValueError(f"two handlers are named {handler.name}")
    _handlers[handler.name] = handler


async def _sends_nothing(_: Any, __: Means) -> None:
    """What a handler does outside that has its whole effect in the transaction."""


async def _nothing_left(_: Tx, __: Any) -> None:
    """What is left for the transaction of a handler that has done everything before."""


def find(name: str) -> Handler | None:
    """The handler of that name, null when there is none."""
    return _handlers.get(name)


def handlers_of(kind: str) -> list[str]:
    """Names of the handlers of a kind of event."""
    return [handler.name for handler in _handlers.values() if handler.event.kind() == kind]


def awaited() -> list[str]:
    """Names of the handlers for whose work somebody waits."""
    return [handler.name for handler in _handlers.values() if handler.event.awaited]


def every() -> list[Handler]:
    """All handlers of this version."""
    return list(_handlers.values())
