"""The loops that bring messages out of the house and take in what comes back.

Everything that they do is safe to do twice and beside others: a second relay helps, and one that dies is not missed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, get_args
from uuid import UUID

import asyncpg
import msgspec

from kernel.process.apart import AWAY_FOR_ALL, Apart
from kernel.queues import INBOUND, RECEIPTS, Queue
from kernel.queues.client import UNREADABLE, Delivery, Queues
from kernel.security.crypto import BlindIndex, Fields, Seals
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store import clock
from kernel.store.database import Database, Tx
from kernel.telemetry import logs, metrics
from kernel.text import redaction
from kernel.text.characters import whole
from mobile_contracts.messaging.outbound import Inbound, Purpose, Receipt
from mobile_contracts.messaging.template import Channel
from notifications.broadcast import dispatch, expansion, hours, in_app, tidying
from notifications.broadcast.dispatch import BATCH, Dispatch, Open, Turn
from notifications.gateway import known
from notifications.gateway.known import Gateways
from notifications.receipt import receipt, reply
from notifications.template.words import Words

TAKEN = 500
"""Receipts of one transaction."""

_IDLE = 0.25
_TIDY_SECONDS = 2.0
_GATHERING = 0.05
"""A pause in which receipts gather, when there were few: a transaction costs as much for one as for many."""

_LEASE = 60.0
_WAIT = 1.0
_TRIES = 5
TAKINGS = ("receipts", "replies", "named receipts", "named replies")
"""What is taken, each kind with the items that fail."""

_POISON = 5
"""Deliveries of a message after which it is held to be what breaks the batch."""

_NAMED_SECONDS = 30.0
"""How often it is looked for what came from gateways that are named since."""

_Item = TypeVar("_Item", Receipt, Inbound)
_Key = TypeVar("_Key")
_Taken = tuple[Delivery, _Item]
_log = logs.logger(__name__)


class Sender:
    """Expands open broadcasts and hands their messages over, a batch of each in turn; an error of one stays its own."""

    def __init__(self, database: Database, queues: Queues, settings: Settings, broadcasts: Apart | None = None) -> None:
        self._database, self._queues, self._settings = database, queues, settings
        self._words = Words(settings)
        self._dispatch = Dispatch(database, queues, settings, self._words)
        self._after: Turn | None = None
        self._broadcasts = broadcasts or Apart("sender")

    async def turn(self) -> float:
        """One batch of everything that is due; gives the seconds to wait. Raises `Unavailable` when all was tried."""
        done, away = 0, list[BaseException]()
        self._broadcasts.forget()
        for one in await self._due():
            moved, problems = await self._advance(one)
            done, away = done + moved, away + problems
        if away:
            raise away[0]
        return 0.0 if done or self._after else _IDLE

    async def _due(self) -> list[Open]:
        """The next broadcasts that something can be done for now: after the last of them come the first again."""
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            now = await clock.now(tx)
            open_now = [one for one in get_args(Purpose) if hours.of(self._settings, one).end(now) is not None]
            found = await dispatch.list_open(tx, open_now, self._after, self._settings.reconcile_after)
        self._after = Turn(found[-1].created_at, found[-1].id) if len(found) == dispatch.AT_ONCE else None
        return found

    async def _advance(self, one: Open) -> tuple[int, list[BaseException]]:
        """Takes every step that one broadcast needs; gives what was done, and which services were away."""
        steps: dict[str, Callable[[], Awaitable[int]]] = (
            {"expansion": lambda: self._expand(one)} if one.unexpanded else {}
        )
        if one.state == "running":
            for channel in get_args(Channel):
                if channel in one.channels:
                    steps[channel] = partial(self._leave, one, channel)
        done = await asyncio.gather(*(self._step(one, *step) for step in steps.items()), return_exceptions=True)
        return sum(one for one in done if isinstance(one, int)), [one for one in done if isinstance(one, BaseException)]

    async def _step(self, one: Open, name: str, step: Callable[[], Awaitable[int]]) -> int:
        item, done = f"{name} of broadcast {one.id}", 0
        if self._broadcasts.is_due(item):
            with self._broadcasts.item(item):
                done = await step()
        return done

    async def _leave(self, one: Open, channel: Channel) -> int:
        return await self._in_app(one) if channel == "in_app" else await self._send(one, channel)

    async def _expand(self, one: Open) -> int:
        async with self._database.transaction() as tx:
            await apply_system(tx, "expand", kind="company")
            return await expansion.expand(tx, one.id)

    async def _send(self, one: Open, channel: Literal["sms", "email"]) -> int:
        """Two batches side by side: while the broker confirms one, the other is rendered."""
        room = min(await self._dispatch.room(channel, one.purpose), 2 * BATCH)
        if room <= 0:
            return 0
        halves = [half for half in ((room + 1) // 2, room // 2) if half]
        sides = await asyncio.gather(
            *(self._dispatch.send(one, channel, half) for half in halves), return_exceptions=True
        )
        sent = sum(side for side in sides if isinstance(side, int))
        metrics.MESSAGES.labels(channel, one.purpose).inc(sent)
        for side in sides:
            if isinstance(side, BaseException):
                raise side
        again = await self._dispatch.send(one, channel, room - sent, unanswered=True) if sent < room else 0
        metrics.MESSAGES.labels(channel, one.purpose).inc(again)
        return sent + again

    async def _in_app(self, one: Open) -> int:
        async with self._database.transaction() as tx:
            await apply_system(tx, "dispatch", kind="company")
            now = await clock.now(tx)
            if hours.last_moment(hours.of(self._settings, one.purpose), now, one.expires_at) is None:
                return 0
            return await in_app.give(tx, self._words, one, BATCH)


class Tidier:
    """Finds what nobody holds any more."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    async def turn(self) -> float:
        """One round; gives the seconds to wait."""
        async with self._database.transaction() as tx:
            await apply_system(tx, "tidy", kind="company")
            tidied = await tidying.tidy(tx, self._settings)
        if tidied.lost:
            _log.warning("messages whose sending has no record are uncertain now", messages=tidied.lost)
        if tidied.given_up:
            _log.warning("messages without any answer were given up", messages=tidied.given_up)
        return _TIDY_SECONDS


class Taker:
    """Takes what gateways send back, in batches; what is no such message, or breaks its batch, goes among the dead."""

    def __init__(
        self, database: Database, queues: Queues, settings: Settings, failing: Mapping[str, Apart] | None = None
    ) -> None:
        self._database, self._queues = database, queues
        self.failing = failing or {name: Apart(name) for name in TAKINGS}
        self.fields, self.index = Fields(settings), BlindIndex(settings)
        self._gateways = known.gateways(settings)

    async def receipts(self) -> float:
        """One batch of receipts; gives the seconds to wait. Raises `Unavailable`."""
        return await self._take(RECEIPTS, Receipt, self._apply_receipts, self.failing["receipts"])

    async def replies(self) -> float:
        """One batch of replies; gives the seconds to wait. Raises `Unavailable`."""
        return await self._take(INBOUND, Inbound, self._apply_replies, self.failing["replies"])

    async def named(self) -> float:
        """A batch of what came before its gateway was named; gives the seconds to wait."""
        applied = await self._named("named receipts", receipt.list_named, receipt.apply_named, UUID, str)
        applied += await self._named("named replies", reply.list_named, reply.apply_named, bytes.fromhex, bytes.hex)
        if applied:
            _log.info("what came before its gateway was named is taken", messages=applied)
        return 0.0 if applied else _NAMED_SECONDS

    async def _named(
        self, kind: str, find: Callable[[Tx, Gateways, Sequence[_Key], int], Awaitable[list[_Key]]],
        apply: Callable[[Tx, Gateways, Seals, Sequence[_Key]], Awaitable[int]], key: Callable[[str], _Key],
        name: Callable[[_Key], str],
    ) -> int:  # fmt: skip
        """What was taken; what cannot be is passed over for some minutes, that it may stand before no other."""
        failing = self.failing[kind]
        failing.forget()
        async with self._database.transaction() as tx:
            keys = await find(tx, self._gateways, [key(one) for one in failing.items], TAKEN)

        async def take(part: Sequence[_Key]) -> int:
            async with self._database.transaction() as tx:
                return await apply(tx, self._gateways, self, part)

        return sum(await failing.halved(keys, take, name))

    async def _apply_receipts(self, tx: Tx, items: Sequence[_Taken[Receipt]]) -> None:
        await receipt.apply(tx, [one for _, one in items], self._gateways, self, _forged(items))

    async def _apply_replies(self, tx: Tx, items: Sequence[_Taken[Inbound]]) -> None:
        await reply.apply(tx, [one for _, one in items], self._gateways, self, _forged(items))

    async def _take(
        self, queue: Queue, kind: type[_Item], apply: Callable[[Tx, Sequence[_Taken[_Item]]], Awaitable[None]],
        failing: Apart,
    ) -> float:  # fmt: skip
        failing.forget()
        taken = await self._queues.take(queue, TAKEN, lease=_LEASE, wait=_WAIT)
        good: list[tuple[Delivery, _Item]] = []
        for delivery in taken:
            try:
                good.append((delivery, msgspec.json.decode(whole(delivery.body), type=kind)))
            except UNREADABLE as error:
                await self._bury(delivery, str(error))

        async def take(part: Sequence[_Taken[_Item]]) -> Sequence[_Taken[_Item]]:
            """What breaks its batch stands alone in the end: it comes again, a few times, and is buried then."""
            try:
                await self._apply(apply, part)
            except AWAY_FOR_ALL:
                raise
            except Exception as error:
                if len(part) == 1 and part[0][0].attempts >= _POISON:
                    await self._bury(part[0][0], type(error).__name__)
                raise
            return part

        done = [one for part in await failing.halved(good, take, _name) for one in part]
        await self._queues.acknowledge([delivery for delivery, _ in done])
        return 0.0 if len(taken) == TAKEN else _GATHERING

    async def _apply(self, apply: Callable[[Tx, Sequence[Any]], Awaitable[None]], items: Sequence[Any]) -> None:
        if not items:
            return
        for left in reversed(range(_TRIES)):
            try:
                async with self._database.transaction() as tx:
                    await apply(tx, items)
                return
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                if not left:
                    raise

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        _log.warning("a message of a gateway was put among the dead", queue=delivery.queue.name, reason=reason)
        body = msgspec.json.encode(redaction.text(delivery.body.decode(errors="replace")))
        await self._queues.refuse([msgspec.structs.replace(delivery, body=body)], reason)


def _name(one: _Taken[Any]) -> str:
    """What a message is called where it is shown."""
    item: Receipt | Inbound = one[1]
    return f"a receipt of {item.id}" if isinstance(item, Receipt) else f"a reply by {item.gateway}"


def _forged(items: Sequence[_Taken[Any]]) -> frozenset[int]:
    """The places of those that name another gateway than the broker says, or that the broker vouches for to nobody."""
    found = {
        place: delivery.publisher
        for place, (delivery, item) in enumerate(items)
        if delivery.publisher is not None and delivery.publisher != item.gateway
    }
    if found:
        users = sorted({user or "none" for user in found.values() if user is not None})
        _log.warning("what names another gateway than its user is not believed", messages=len(found), users=users)
    return frozenset(found)
