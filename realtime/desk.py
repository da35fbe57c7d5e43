"""What clients ask of the chat, each in a transaction under their own scope."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import uuid_utils.compat as uuid
from msgspec import Struct

from centers.service import attendance, conversation, conversation_list, conversation_rules, message
from centers.service.conversation_rules import Line, Reader, Refused, Said, Stored, Wanted
from kernel.errors import NotAllowed, Overloaded, Unavailable
from kernel.security.scope import NOTHING, Principal, Scope, apply, apply_system
from kernel.store.database import AWAY, Database, Tx
from mobile_contracts.event import ConversationMoved, StatusChanged
from mobile_contracts.frame import (
    Accept,
    Asked,
    CloseConversation,
    Closed,
    Delivered,
    HistoryWanted,
    Open,
    Opened,
    Presence,
    Rate,
    Read,
    SendMessage,
    ServerFrame,
    Status,
)
from realtime.connection import Arrival, Connection
from realtime.delivery import Delivery
from realtime.gossip import Gossip
from realtime.marks import Marks
from realtime.together import Together
from realtime.writer import Writer

_ANSWER_SECONDS = 4.0
_TOO_LONG = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)


Arriving = tuple[Principal, Mapping[UUID, int]]
"""Somebody who signed in, and up to which seqs they have seen what."""


class Asker(Struct, frozen=True):
    """Who asks, over which socket, and what they may see."""

    connection: Connection
    scope: Scope
    reader: Reader


class Desk:
    """Answers frames; knows the parts of the node that act on them."""

    def __init__(
        self, database: Database, line: asyncio.Semaphore, node: UUID, delivery: Delivery, gossip: Gossip
    ) -> None:
        self.delivery, self.gossip = delivery, gossip
        self.writer = Writer(database, self._stored)
        self.marks = Marks(database, node, delivery, gossip)
        self._database, self._line, self._node = database, line, node
        self._arrivals, self._missing = Together(self._arrived), Together(self._missed)
        self._answers: Mapping[type, Callable[[Asker, Any], Awaitable[Sequence[ServerFrame]]]] = {
            Delivered: self._mark, Read: self._mark, HistoryWanted: self._history,
            Open: self._open, Accept: self._accept, CloseConversation: self._close, Rate: self._rate,
            Status: self._status,
        }  # fmt: skip

    async def arrive(self, connection: Connection, principal: Principal, resume: Mapping[UUID, int]) -> Arrival:
        """Who signed in, and their conversations; raises `Unavailable`."""
        reader, lines = await self._arrivals.ask((principal, resume), _ANSWER_SECONDS)
        if reader is None:
            return Arrival(None, [], [])
        lines = self.delivery.current(reader, lines)  # which may have changed since they were read
        resync = self.delivery.arrive(connection, reader, lines, resume)
        shown = [conversation_rules.line(self.delivery.told(one), reader.person.kind) for one in lines]
        return Arrival(reader, shown, resync, self.delivery.receipts(reader, lines))

    async def missed(self, conversation_id: UUID, since: int, size: int) -> list[Said]:
        """The first messages of a conversation after a seq; raises `Unavailable`."""
        return await self._missing.ask((conversation_id, since, size), _ANSWER_SECONDS)

    async def read(self, since: dict[UUID, int], size: int) -> list[Said]:
        """Of each conversation the first messages after a seq; raises `Unavailable`."""
        async with self._transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            return await message.missed(tx, since, size)

    async def ask(self, connection: Connection, frame: Asked) -> Sequence[ServerFrame]:
        """Does what the frame asks for and gives the answers that go to this socket alone; raises `HexadError`."""
        if connection.principal is None or connection.reader is None:
            raise NotAllowed
        asker = Asker(connection, _scope(connection.principal, type(frame)), connection.reader)
        return await self._answers[type(frame)](asker, frame)

    def send(self, connection: Connection, frame: SendMessage) -> None:
        """Has a message stored, and answered when it is; raises `NotAllowed`, or `Unavailable` when too many wait."""
        if connection.reader is None:
            raise NotAllowed
        who = connection.reader.person

        def tell(outcome: Stored | Refused) -> None:
            if isinstance(outcome, Stored):
                connection.stored(outcome)
            else:
                connection.refused(frame, outcome.code, _WHY[outcome.code])

        self.writer.put(
            Wanted(frame.conversation_id, who, frame.client_id, uuid.uuid7(), frame.kind, frame.body or ""), tell
        )

    def reachable(self, employee_no: str, status: str) -> None:
        """An employee can or cannot be reached now: tells everybody here and elsewhere whom it concerns."""
        change = StatusChanged(self._node, employee_no, status)
        self.delivery.reachable(change)
        self.gossip.say(change)

    async def _arrived(self, who: Sequence[Arriving]) -> list[tuple[Reader | None, list[Line]]]:
        """Readers and lines of many who signed in: open conversations together, closed ones each under their scope."""
        async with self._transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            readers = await conversation_list.readers_of(tx, [principal for principal, _ in who])
            here = [(reader, *one) for reader, one in zip(readers, who, strict=True) if reader is not None]
            serving = {one.employee for one, principal, _ in here if SendMessage.staff in principal.permissions}
            if employees := serving - {None}:
                await attendance.attend(tx, self._node, cast("set[int]", employees))
            lines = await conversation_list.list_open(tx, [reader for reader, *_ in here])
            for place, (reader, principal, resume) in enumerate(here):
                if resume.keys() - {one.id for one in lines[place]}:
                    scope = _scope(principal, HistoryWanted)
                    await apply(tx, scope)
                    lines[place] = await conversation_list.list_lines(tx, scope, reader, resume)
        found = iter(lines)
        return [(None, []) if reader is None else (reader, next(found)) for reader in readers]

    async def _missed(self, wanted: Sequence[tuple[UUID, int, int]]) -> list[list[Said]]:
        """What many sockets have missed; those who want the same are given the same."""
        left, found = set(wanted), dict[tuple[UUID, int, int], list[Said]]()
        while left:
            size = next(iter(left))[2]
            part = {one[0]: one for one in left if one[2] == size}
            left -= {*part.values()}
            found.update((one, []) for one in part.values())
            for said in await self.read({one: since for one, since, _ in part.values()}, size):
                found[part[said.conversation_id]].append(said)
        return [found[one] for one in wanted]

    async def _mark(self, asker: Asker, frame: Delivered | Read) -> Sequence[ServerFrame]:
        if asker.connection.view.seq(frame.conversation_id) is None:
            async with self._scoped(asker.scope) as tx:
                await conversation_list.find(tx, asker.scope, asker.reader, frame.conversation_id)
        self.marks.put(asker.connection, asker.reader.person, frame)
        return []

    async def _history(self, asker: Asker, frame: HistoryWanted) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            return [
                await message.history(
                    tx, asker.scope, asker.reader, frame.conversation_id, frame.before_seq, frame.limit
                )
            ]

    async def _open(self, asker: Asker, frame: Open) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            if frame.customer_no is None:
                pair = await conversation.check_open_own(tx, asker.scope, asker.reader, frame.employee_no)
            else:
                pair = await conversation.check_open_with(tx, asker.scope, asker.reader, frame.customer_no)
            line = await conversation.do_open(tx, asker.scope, asker.reader, pair, frame.topic)
            position = await self._position(tx, line)
        asker.connection.push(Opened(frame.client_id, line.id, line.state, position))
        if line.state == "assigned" and asker.reader.customer is not None:
            asker.connection.push(conversation_rules.assigned(line))
        self._changed(line, asker.connection)
        return []

    async def _accept(self, asker: Asker, frame: Accept) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            line = await conversation.check_accept(tx, asker.scope, asker.reader, frame.conversation_id)
            after = await conversation.do_accept(tx, asker.scope, asker.reader, line)
        self._changed(after)
        return [conversation_rules.assigned(after)] if line.state == "assigned" else []

    async def _close(self, asker: Asker, frame: CloseConversation) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            line = await conversation.check_close(tx, asker.scope, asker.reader, frame.conversation_id)
            after = await conversation.do_close(tx, asker.scope, asker.reader, line)
        self._changed(after)
        return [Closed(line.id, asker.reader.person.no, may_rate=False)] if line.state == "closed" else []

    async def _rate(self, asker: Asker, frame: Rate) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            line = await conversation.check_rate(tx, asker.scope, asker.reader, frame.conversation_id)
            await conversation.do_rate(tx, asker.scope, line, frame)
        return [Closed(line.id, line.staff_no or "", may_rate=False)]

    async def _status(self, asker: Asker, frame: Status) -> Sequence[ServerFrame]:
        async with self._scoped(asker.scope) as tx:
            await attendance.set_status(tx, asker.reader.person.id, frame.status)
        self.reachable(asker.reader.person.no, frame.status)
        return [Presence(asker.reader.person.no, frame.status)]

    async def _position(self, tx: Tx, line: Line) -> int | None:
        if line.state != "queued":
            return None
        await apply_system(tx, "chat", kind="company")
        return await conversation_list.position(tx, line.id)

    def _changed(self, line: Line, but: Connection | None = None) -> None:
        self.delivery.changed(line, but)
        self.gossip.say(ConversationMoved(line.id))

    def _stored(self, said: Said) -> None:
        self.delivery.stored(said)
        self.gossip.stored(said.conversation_id, said.seq)

    @asynccontextmanager
    async def _scoped(self, scope: Scope) -> AsyncIterator[Tx]:
        async with self._transaction() as tx:
            await apply(tx, scope)
            yield tx

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Tx]:
        """A transaction for one client, who waits in line; raises `Unavailable` when that takes more than 5 s."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS), self._line, self._database.transaction() as tx:
                yield tx
        except (Overloaded, TimeoutError, *AWAY, *_TOO_LONG) as error:
            raise Unavailable from error


_WHY = {
    "not_found": "there is no such conversation of yours",
    "conversation_closed": "this conversation is closed: open another one",
    "duplicate_other_body": "this client_id was used with another body",
    "unavailable": "it cannot be stored just now: send it again with the same client_id",
}


def _scope(principal: Principal, frame: type[Asked]) -> Scope:
    """What somebody may see by the permission that the frame asks for; whose a conversation is, is seen besides."""
    return Scope(principal=principal, reach=principal.permissions.get(frame.asks(principal.audience), NOTHING))
