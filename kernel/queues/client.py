"""What can be done with a durable queue, whichever broker holds it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct, field

from kernel.errors import InvalidInput
from kernel.queues import Queue

UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What msgspec raises for a message that it cannot read: its own errors, broken UTF-8, bottomless nesting."""


class _Named(Struct, frozen=True):
    """Whatever bears an id."""

    id: UUID


class Message(Struct, frozen=True):
    """What is published: `body` is JSON in UTF-8, `headers` hold JSON values, `id` names the message for the reader."""

    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""


class Delivery(Struct, frozen=True):
    """A message that was taken and is held until it is acknowledged, refused, or its lease ends.

    `attempts` counts deliveries, 1 for the first. `tag` and `channel` are the broker's own handle. `publisher` is who
    published it, as far as the broker vouches for that: null is the house itself, empty is nobody known.
    """

    queue: Queue
    body: bytes
    headers: Mapping[str, Any]
    attempts: int
    tag: int
    channel: int = 0
    publisher: str | None = ""


class Queues(Protocol):
    """A client of the broker; every operation raises `Unavailable` when the broker does not answer in time.

    After a failure it connects again at the next operation, and waits longer after each failure (at most 5 s), while
    operations fail at once: a caller may simply try again.
    """

    async def publish(self, queue: Queue, messages: Sequence[Message]) -> None:
        """Returns when the broker has stored all of them; after an error any of them may be stored or not.

        Raises `InvalidInput` for a body that is not JSON.
        """

    async def take(self, queue: Queue, at_most: int, *, lease: float, wait: float = 0.0) -> list[Delivery]:
        """Takes what is there, waiting up to `wait` seconds for the first.

        What is not settled within `lease` seconds comes again.
        """

    async def hold(self, deliveries: Sequence[Delivery], lease: float) -> None:
        """What is still held comes again `lease` seconds from now and not before; 0 gives it back at once."""

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """They are done with; one whose lease has ended may come again all the same."""

    async def refuse(self, deliveries: Sequence[Delivery], reason: str) -> None:
        """Moves them to the queue's `.dead`, with the reason in the header `x-hexad-reason`."""

    async def release(self, queue: Queue) -> None:
        """Lets others have what came to this client and was not settled, whether it was taken or not."""

    async def size(self, queue: Queue) -> int:
        """How many messages wait."""

    async def declare(self, queues: Sequence[Queue]) -> None:
        """Returns when they are there, with their dead letters: others may consume what nobody published to yet."""

    async def close(self) -> None:
        """Lets go of the connection; what was taken and not settled comes again."""


def id_of(body: bytes) -> UUID | None:
    """The id (UUIDv7) that a message bears, whatever else is wrong with it."""
    try:
        found = msgspec.json.decode(body, type=_Named).id
    except UNREADABLE:
        return None
    return found if found.version == 7 else None


def written(message: Struct) -> bytes:
    """A message of a contract in JSON, as whoever reads it can; raises `InvalidInput` for what they would refuse."""
    try:
        body = msgspec.json.encode(message)
        msgspec.json.decode(body, type=type(message))
    except UNREADABLE as error:
        raise InvalidInput(f"this is no {type(message).__name__}: {error}") from error
    return body


def checked(body: bytes) -> bytes:
    """The body itself; raises `InvalidInput` when it is not JSON in UTF-8."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()
    except UNREADABLE as error:
        raise InvalidInput("a message is not JSON in UTF-8") from error
    return body
