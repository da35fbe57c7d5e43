"""Handing over (派发): batches are claimed, rendered, published and recorded, in two transactions.

The first claims, and says so: `sending`, with the exact content sealed. The second holds those rows while the broker
confirms, after a last look by the rule that decided on them (`hindrance`): who withdraws consent waits for that, so
that nothing leaves once it is withdrawn. A process that dies in the second one leaves `sending` behind, which becomes
`unknown` and is never sent blindly again; what fails before anything was published waits again at once.

Whoever locks several messages takes them in the order of their ids, or takes only those that nobody holds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from kernel.errors import Unavailable
from kernel.queues import Queue
from kernel.queues.client import Message, Queues
from kernel.security.crypto import BlindIndex, Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store import clock, outside
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from mobile_contracts.messaging.outbound import Purpose
from notifications.broadcast import hours, rate, suitable
from notifications.broadcast.composing import Claimed, Composer, Ending, Occasion
from notifications.broadcast.rate import Lane
from notifications.consent import consent
from notifications.template.words import Words

BATCH = 500
HELD_SECONDS = 20.0
"""For so long rows are held at most while the broker does not answer; then their messages are uncertain."""

AT_ONCE = 200
"""Broadcasts of one look; the next look goes on after them."""


class Open(Struct, frozen=True):
    """A broadcast of which something waits."""

    id: UUID
    kind: str
    purpose: Purpose
    channels: list[str]
    template: str
    template_version: int
    given: str
    state: str
    product_code: str | None
    expires_at: datetime
    unexpanded: bool
    created_at: datetime
    since: datetime


class Turn(Struct, frozen=True):
    """The broadcast up to which it was everybody's turn, the oldest first."""

    created_at: datetime
    id: UUID


Made = tuple[UUID, bytes]
"""A message by its id, in the JSON in which it leaves."""

_sql = load(Path(__file__).with_name("dispatch.sql"), Open, Claimed)
_log = logs.logger(__name__)


async def list_open(
    tx: Tx, due: Sequence[Purpose] | None = None, after: Turn | None = None, wait: float = 0.0
) -> list[Open]:
    """The next broadcasts after one that are open, the oldest first, `AT_ONCE` at most.

    With `due`, the purposes whose hours it is, only those of which something can be made or sent now; what had no
    answer may be offered again after `wait` seconds.
    """
    found: list[Open] = await _sql.open(
        tx, purposes=None if due is None else list(due), after_at=after and after.created_at,
        after_id=after and after.id, wait=wait, size=AT_ONCE,
    )  # fmt: skip
    return found


class Dispatch:
    """Hands over what is due of one broadcast and channel; any number may do so side by side."""

    def __init__(self, database: Database, queues: Queues, settings: Settings, words: Words) -> None:
        self._database, self._queues, self._settings, self._words = database, queues, settings, words
        self._fields, self._index = Fields(settings), BlindIndex(settings)

    async def room(self, channel: Literal["sms", "email"], purpose: Purpose) -> int:
        """How many messages may be published now: the gateway's rate allows no more, nor so many ahead of it.

        Raises `Unavailable` when the broker does not answer.
        """
        lane = self._lane(channel, purpose)
        async with self._database.connection() as connection:
            left = await rate.left(connection, lane)
        return min(left, lane.most - await self._queues.size(queue_of(channel, purpose)))

    def _lane(self, channel: Literal["sms", "email"], purpose: Purpose) -> Lane:
        return rate.lane(self._settings, channel, purpose)

    async def send(self, one: Open, channel: Literal["sms", "email"], size: int, *, unanswered: bool = False) -> int:
        """Hands over up to `size` messages and gives their number, with `unanswered` those to be offered again.

        Raises `Unavailable` when the broker does not take them: they are `unknown` then.
        """
        async with self._database.connection() as connection:
            now = await clock.now(connection)
        good_until = hours.last_moment(hours.of(self._settings, one.purpose), now, one.expires_at)
        if good_until is None:
            return 0
        made = await self._claim(one, channel, size, now, good_until, unanswered=unanswered)
        return await self._hand_over(one, channel, made) if made else 0

    async def _claim(
        self, one: Open, channel: Literal["sms", "email"], size: int, now: datetime, until: datetime, *,
        unanswered: bool,
    ) -> list[Made]:  # fmt: skip
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            place = {"broadcast_id": one.id, "since": one.since, "channel": channel, "size": size}
            claimed: list[Claimed] = (
                await _sql.claim_unanswered(tx, **place, wait=self._settings.reconcile_after)
                if unanswered
                else await _sql.claim(tx, **place)
            )
            if not claimed:
                return []
            endings = await unsuited(tx, one, {row.id: row.customer_id for row in claimed})
            occasion = Occasion(one.id, one.purpose, channel, await self._words.of(tx, one, channel), now, until)
            composer, made = Composer(self._settings, self._fields, occasion), list[Made]()
            for row in claimed:
                if row.id in endings:
                    continue
                composed = composer.compose(row)
                if isinstance(composed, Ending):
                    endings[row.id] = composed
                else:
                    made.append((row.id, composed))
            await _sql.begin(tx, ids=[id_ for id_, _ in made], contents=self._sealed(made))
            await end(tx, endings)
        _note(one, channel, endings)
        return made

    async def _hand_over(self, one: Open, channel: Literal["sms", "email"], made: list[Made]) -> int:
        """Publishes what may still leave and records it; what was surely not published waits again."""
        course = _Course()
        try:
            if one.purpose != "transactional":
                await self._await_withdrawals()
            async with self._database.transaction() as tx:
                await self._publish_held(tx, one, channel, made, course)
        except Exception as error:
            await self._make_up([id_ for id_, _ in made], course)
            if course.state == "waiting" and isinstance(error, asyncpg.LockNotAvailableError):
                return 0  # somebody takes long to withdraw
            raise
        if course.problem is not None:
            raise course.problem
        return len(course.published)

    async def _await_withdrawals(self) -> None:
        """Waits for those who may have looked before these messages were there to be seen.

        Whoever begins to withdraw later sees them, and waits for whoever holds them.
        """
        async with self._database.transaction() as tx:
            await consent.wait_for_withdrawals(tx)

    async def _publish_held(
        self, tx: Tx, one: Open, channel: Literal["sms", "email"], made: Sequence[Made], course: "_Course"
    ) -> None:
        await apply_system(tx, "dispatch", kind="company")
        ids = [id_ for id_, _ in made]
        held = {row["id"] for row in await _sql.hold(tx, ids=ids)}
        hindered = await self._look(tx, [one for one in made if one[0] in held])
        course.published = [id_ for id_ in ids if id_ in held and id_ not in hindered]
        leaving = set(course.published)
        messages = [Message(body, id=str(id_)) for id_, body in made if id_ in leaving]
        course.state = "uncertain"
        try:
            with outside.held("an opt-out that commits before they are published must stop them"):
                async with asyncio.timeout(HELD_SECONDS):
                    await self._queues.publish(queue_of(channel, one.purpose), messages)
        except Unavailable as error:  # any of them may be in the queue
            course.problem = error
        except TimeoutError:
            course.problem = Unavailable("the broker does not answer in time")
        else:
            course.state = "published"
        await _sql.take(tx, ids=list(held))
        await _sql.record(tx, ids=course.published, state="unknown" if course.problem else "sent")
        await _sql.let_go(tx, ids=list(hindered), reasons=list(hindered.values()))
        await rate.spend(tx, self._lane(channel, one.purpose), len(messages))

    async def _look(self, tx: Tx, made: Sequence[Made]) -> dict[UUID, str]:
        """Which of them must not leave and why, judged by where each goes."""
        goes = [msgspec.json.decode(body, type=_Addressed).to for _, body in made]
        rows = await _sql.look(
            tx, ids=[id_ for id_, _ in made],
            numbers=[self._index.of_normal("mobile", to) if "@" not in to else None for to in goes],
            emails=[to if "@" in to else None for to in goes],
        )  # fmt: skip
        return {row["id"]: row["reason"] for row in rows}

    async def _make_up(self, ids: Sequence[UUID], course: "_Course") -> None:
        """Records in a transaction of its own what the one that failed should have; tidying does it for the dead."""
        leaving = set(course.published) if course.state != "waiting" else set()
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            await _sql.take(tx, ids=list(ids))
            await _sql.record(tx, ids=list(leaving), state="sent" if course.state == "published" else "unknown")
            await _sql.put_back(tx, ids=[id_ for id_ in ids if id_ not in leaving])

    def _sealed(self, made: Sequence[Made]) -> list[bytes]:
        texts = [body.decode() for _, body in made]
        return list(self._fields.seal_column(texts, "outgoing", "content", [str(id_) for id_, _ in made]))


class _Addressed(Struct, frozen=True):
    """What every message says of where it goes."""

    to: str


class _Course(Struct):
    """How far a hand-over came: `waiting` before anything was published, `uncertain` while it is."""

    state: Literal["waiting", "uncertain", "published"] = "waiting"
    published: list[UUID] = []
    problem: Unavailable | None = None


async def unsuited(tx: Tx, one: Open, messages: Mapping[UUID, int]) -> dict[UUID, Ending]:
    """Messages about a product that it may not be sent to, and why; none where it is about no product."""
    if one.product_code is None:
        return {}
    refused = await suitable.refused(tx, one.product_code, messages)
    return {id_: Ending("skipped", reason) for id_, reason in refused.items()}


async def end(tx: Tx, endings: Mapping[UUID, Ending]) -> None:
    """Ends claimed messages, each for its reason."""
    if endings:
        states, reasons = [one.state for one in endings.values()], [one.reason for one in endings.values()]
        await _sql.drop(tx, ids=list(endings), states=states, reasons=reasons)


def _note(one: Open, channel: str, endings: Mapping[UUID, Ending]) -> None:
    """Failures are told: something of ours is broken where a message cannot be made."""
    for id_, ending in endings.items():
        if ending.state == "failed":
            metrics.UNSENDABLE.labels(channel, ending.reason).inc()
            _log.warning("a message cannot be sent", broadcast=str(one.id), message=str(id_), reason=ending.reason)


def queue_of(channel: Literal["sms", "email"], purpose: Purpose) -> Queue:
    """The queue of a channel's first gateway."""
    return Queue(f"outbound.{channel}.{purpose}.{rate.GATEWAY}")
