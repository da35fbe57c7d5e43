"""Text messages for a gateway without AMQP: moved from the queue into a lease, and back when nobody acknowledges them.

A lease lives in the database, so that any process may be asked for it, and none that dies takes it along.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed
from kernel.queues import Queue
from kernel.queues.client import UNREADABLE, Delivery, Message, Queues
from kernel.schema import retention
from kernel.security.crypto import Fields, Place
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from mobile_contracts.messaging.outbound import Sms

_BATCH = 500
_TAKEN_SECONDS = 60.0


class Overdue(Struct, frozen=True):
    """A message whose lease has ended, settled or not."""

    id: UUID
    purpose: str
    sealed: bytes
    done: bool


class Wanted(Struct, frozen=True):
    """What a gateway asks for."""

    gateway: str
    purpose: str
    at_most: int
    seconds: int


class Taken(Struct, frozen=True):
    """What was taken from a queue, each with its delivery; of what nobody can read, why."""

    messages: list[tuple[Delivery, Sms]]
    unreadable: list[tuple[Delivery, str]]


Lose = Callable[[Tx, Collection[UUID]], Awaitable[None]]
"""Told of messages that nobody can read any more, in the transaction that removes their leases."""

_sql = load(Path(__file__).with_name("lease.sql"), Overdue)
_log = logs.logger(__name__)


def queue(purpose: str) -> Queue:
    """The queue that text messages of a purpose are leased from."""
    return Queue(f"outbound.sms.{purpose}.main")


async def take(queues: Queues, wanted: Wanted) -> Taken:
    """Messages that are there now, and those among them that nobody can read.

    They are the broker's until they are acknowledged or refused, which is for after the commit of `hold`.
    """
    taken = Taken([], [])
    while len(taken.messages) < wanted.at_most:
        more = await queues.take(queue(wanted.purpose), wanted.at_most - len(taken.messages), lease=_TAKEN_SECONDS)
        if not more:
            break
        for delivery in more:
            try:
                taken.messages.append((delivery, msgspec.json.decode(delivery.body, type=Sms)))
            except UNREADABLE as error:
                metrics.UNSENDABLE.labels("sms", "unsendable").inc()
                taken.unreadable.append((delivery, str(error)[:200]))
    return taken


async def hold(tx: Tx, fields: Fields, wanted: Wanted, lease: UUID, messages: Iterable[Sms]) -> list[Sms]:
    """Notes the lease, and gives the messages in it: one that another lease holds is a double and left out."""
    unique = {sms.id: sms for sms in messages}
    bodies = [fields.seal(msgspec.json.encode(sms).decode(), _place(sms.id)) for sms in unique.values()]
    held = await _sql.hold(
        tx, ids=list(unique), sealed=bodies, lease=lease, gateway=wanted.gateway, purpose=wanted.purpose,
        seconds=wanted.seconds,
    )  # fmt: skip
    ours = {row["id"] for row in held}
    return [sms for sms in unique.values() if sms.id in ours]


async def settle(tx: Tx, gateway: str, lease: UUID, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the messages that the gateway has taken over; it may say so again while its lease lasts."""
    return frozenset(row["id"] for row in await _sql.settle(tx, lease=lease, gateway=gateway, ids=ids))


async def give_back(database: Database, queues: Queues, fields: Fields, lose: Lose) -> int:
    """Puts what nobody acknowledged back into its queue, forgets what was settled, and gives how many leases ended.

    Each is claimed first, so that nobody can acknowledge what goes back, and removed when the broker has it; who dies
    in between leaves it to the next, and it is in the queue twice. What does not open is told to `lose` as it is
    removed. Raises `Unavailable` when the broker is away.
    """
    claim = uuid4()
    async with database.transaction() as tx:
        overdue: list[Overdue] = await _sql.take_back(tx, claim=claim, seconds=_TAKEN_SECONDS, size=_BATCH)
    waiting = defaultdict[str, list[Overdue]](list)
    for one in overdue:
        waiting[one.purpose].append(one)
    try:
        for purpose, ended in sorted(waiting.items()):
            opened = {one.id: _opened(fields, one) for one in ended if not one.done}
            await queues.publish(queue(purpose), [message for message in opened.values() if message is not None])
            async with database.transaction() as tx:
                await _sql.remove(tx, claim=claim, ids=[one.id for one in ended])
                await lose(tx, [id_ for id_, message in opened.items() if message is None])
    except Exception:
        async with database.transaction() as tx:
            await _sql.let_go(tx, claim=claim)
        raise
    return len(overdue)


async def forget(tx: Tx) -> None:
    """Forgets who was given messages so long ago that no receipt of them comes any more."""
    await _sql.forget(tx, window=retention.window("sms_leased"))


def _opened(fields: Fields, one: Overdue) -> Message | None:
    try:
        return Message(fields.open(one.sealed, _place(one.id)).encode(), id=str(one.id))
    except FieldSealed:
        metrics.UNSENDABLE.labels("sms", "unreadable").inc()
        _log.warning("a message that comes back from its lease cannot be read", message=str(one.id))
        return None


def _place(message_id: UUID) -> Place:
    return Place("sms_lease", "sealed", str(message_id))
