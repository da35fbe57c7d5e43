"""Who handles which event: `@handles(Event)` on an async function of transaction and event makes it a handler.

One that sends things out of the house is marked `@sends(Event)` and takes the `Means` of its worker as well.
"""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from msgspec import Struct

from kernel.database import Tx
from kernel.queues.client import Queues
from kernel.settings import Settings
from mobile_contracts.event import AnyEvent, Event


class Means(Struct, frozen=True):
    """What a worker's child has besides its database: a client of the broker, which it keeps and closes."""

    settings: Settings
    queues: Queues


Run = Callable[[Tx, Any], Awaitable[None]]
RunWithMeans = Callable[[Tx, Any, Means], Awaitable[None]]

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(AnyEvent)}
"""Every kind of event that this version knows; one without a handler is nobody's business."""


class Handler(Struct, frozen=True):
    """A handler: its name stands in `job` and in messages, so renaming the function abandons what still waits."""

    name: str
    event: type[Event]
    run: RunWithMeans


_handlers: dict[str, Handler] = {}


def handles(event: type[Event]) -> Callable[[Run], Run]:
    """Registers the function under its own name; raises `ValueError` when the name is taken."""

    def register(run: Run) -> Run:
        async def without_means(tx: Tx, happened: Any, _: Means) -> None:
            await run(tx, happened)

        _register(run.__name__, event, without_means)
        return run

    return register


def sends(event: type[Event]) -> Callable[[RunWithMeans], RunWithMeans]:
    """The same for a handler that publishes to queues.

    What it publishes goes out before its transaction commits, and again when that fails: it must bear the same id.
    """

    def register(run: RunWithMeans) -> RunWithMeans:
        _register(run.__name__, event, run)
        return run

    return register


def _register(name: str, event: type[Event], run: RunWithMeans) -> None:
    if name in _handlers:
        raise ValueError(f"two handlers are named {name}")
    _handlers[name] = Handler(name, event, run)


def find(name: str) -> Handler | None:
    """The handler of that name, null when there is none."""
    return _handlers.get(name)


def handlers_of(kind: str) -> list[str]:
    """Names of the handlers of a kind of event."""
    return [handler.name for handler in _handlers.values() if handler.event.__name__ == kind]
