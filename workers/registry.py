"""Who handles which event: `@handles(Event)` on an async function of transaction and event makes it a handler."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from msgspec import Struct

from kernel.database import Tx
from mobile_contracts.event import AnyEvent, Event

Run = Callable[[Tx, Any], Awaitable[None]]

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(AnyEvent)}
"""Every kind of event that this version knows; one without a handler is nobody's business."""


class Handler(Struct, frozen=True):
    """A handler: its name stands in `job` and in messages, so renaming the function abandons what still waits."""

    name: str
    event: type[Event]
    run: Run


_handlers: dict[str, Handler] = {}


def handles(event: type[Event]) -> Callable[[Run], Run]:
    """Registers the function under its own name; raises `ValueError` when the name is taken."""

    def register(run: Run) -> Run:
        name = run.__name__
        if name in _handlers:
            raise ValueError(f"two handlers are named {name}")
        _handlers[name] = Handler(name, event, run)
        return run

    return register


def find(name: str) -> Handler | None:
    """The handler of that name, null when there is none."""
    return _handlers.get(name)


def handlers_of(kind: str) -> list[str]:
    """Names of the handlers of a kind of event."""
    return [handler.name for handler in _handlers.values() if handler.event.__name__ == kind]
