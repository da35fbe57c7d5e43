"""The conversations of this node's clients: what is new in them goes to every socket of their participants.

New messages come from the node's own writer, from the bus (which names the newest seq: they are then read) and from
looking every 2 s, which finds whatever the bus has lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from uuid import UUID

import msgspec
from msgspec import Struct

from centers.service import conversation_rules
from centers.service.conversation_rules import Line, Person, Reader, Said
from kernel.process.apart import Apart
from mobile_contracts.event import Marked, StatusChanged
from mobile_contracts.frame import Changed, Closed, Presence, Receipt, ServerFrame
from mobile_contracts.messaging.template import Language
from realtime.connection import Connection
from realtime.view import RESUMED_AT_MOST

_READ_AT_ONCE = 200
_PAGE = 100

Sockets = Callable[[str], Collection[Connection]]
"""The sockets of a principal, by name."""
Missed = Callable[[dict[UUID, int], int], Awaitable[list[Said]]]
"""Reads of each conversation the first messages after a seq."""


class Thread(Struct):
    """A conversation with a client of this node in it, up to which seq it was given, and how far each side has got.

    `marks` are delivered and read by number, the furthest that was ever heard of: words come in any order. `written`
    is what else somebody has read as it is their own; it is no news, but nobody is told less.
    """

    line: Line
    seq: int
    marks: dict[str, tuple[int, int]]
    written: dict[str, int]


class Delivery:
    """Gives to each what is theirs."""

    def __init__(self, sockets: Sockets, everybody: Callable[[], Iterable[Connection]]) -> None:
        self._sockets, self._everybody = sockets, everybody
        self._threads: dict[UUID, Thread] = {}
        self._moved: dict[UUID, int] = {}
        self._queued: set[UUID] = set()  # those of which somebody here was told that they wait
        self._statuses: dict[str, str] = {}
        self.moved = asyncio.Event()
        """Set when messages must be read."""
        self.failing = Apart("reading")

    def head(self, conversation_id: UUID) -> int:
        """The newest seq that was given here."""
        thread = self._threads.get(conversation_id)
        return 0 if thread is None else thread.seq

    def open_ones(self) -> list[UUID]:
        """The conversations to look at; what concerns nobody here is forgotten, and closed ones given whole."""
        queues = self.queues()
        for thread in list(self._threads.values()):
            over = thread.line.state == "closed" and thread.seq >= thread.line.last_seq
            if over or not self._concerns(thread.line, queues):
                del self._threads[thread.line.id]
            for connection in self._followers(thread.line) if over else ():
                connection.view.leave(thread.line.id)
        self._queued &= self._threads.keys()
        served = {thread.line.staff_no for thread in self._threads.values()}
        self._statuses = {no: status for no, status in self._statuses.items() if no in served}
        return list(self._threads)

    def forget(self) -> None:
        """Everything that was known is of a life of the database that is over."""
        self._threads.clear()
        self._moved.clear()
        self._queued.clear()

    def queues(self) -> set[int]:
        """The branches whose queues somebody here sees."""
        return {branch for one in self._everybody() if one.reader is not None for branch in one.reader.queues}

    def held(self) -> list[UUID]:
        """The conversations that somebody has, and that concern somebody here."""
        return [one.line.id for one in self._threads.values() if one.line.state == "assigned"]

    def arrive(
        self, connection: Connection, reader: Reader, lines: Iterable[Line], resume: Mapping[UUID, int]
    ) -> list[UUID]:
        """Has a client who signed in follow their conversations; gives those of which it must ask for history."""
        resync = []
        for line in lines:
            thread = self._know(line)
            if line.state == "queued":
                self._queued.add(line.id)
            if not conversation_rules.takes_part(reader.person, line.customer_id, line.employee_id):
                continue
            if line.id not in resume:
                connection.view.follow(line.id, line.last_seq, thread.seq)
            elif not connection.view.resume(line.id, resume[line.id], max(thread.seq, line.last_seq)):
                resync.append(line.id)
        connection.reader = reader
        return resync

    def current(self, reader: Reader, lines: Iterable[Line]) -> list[Line]:
        """What was read for somebody, as this node knows it where that is newer; without what is theirs no longer."""
        newest = [self._newest(line) for line in lines]
        return [
            one
            for one in newest
            if one.state == "queued" or conversation_rules.takes_part(reader.person, one.customer_id, one.employee_id)
        ]

    def told(self, line: Line) -> Line:
        """The line as its participants here know it: marks may be told before they are read."""
        thread = self._threads[line.id]
        by_staff = None if line.staff_no is None else _reached(thread, line.staff_no)[1]
        return msgspec.structs.replace(line, investor_read=_reached(thread, line.investor_no)[1], staff_read=by_staff)

    def receipts(self, reader: Reader, lines: Iterable[Line]) -> list[Receipt]:
        """What `ready` does not say: what reached the other sides of one's conversations and was not read there."""
        own = [one for one in lines if conversation_rules.takes_part(reader.person, one.customer_id, one.employee_id)]
        return [receipt for line in own for receipt in self._of_others(self._threads[line.id], reader.person)]

    def changed(self, line: Line, but: Connection | None = None) -> None:
        """A conversation as it is now: its participants are told what is new to them, `but` one who asked for it."""
        before = self._threads.get(line.id)
        was = None if before is None else before.line
        if was is not None and line.revision < was.revision:
            return  # read before the change that is known here, and late
        if (line.state == "queued") is not (line.id in self._queued):
            self._queued ^= {line.id}
            self._hint(line)
        if was is None and line.state == "closed":
            return
        if was is None and not self._concerns(line, self.queues()):
            return
        thread = self._know(line)
        self._tell(was, thread, but)

    def stored(self, said: Said) -> None:
        """A message was stored; given when it is the next one, else those before it are read first."""
        thread = self._threads.get(said.conversation_id)
        if thread is None or said.seq <= thread.seq:
            return
        if said.seq > thread.seq + 1:
            self.behind(said.conversation_id, said.seq)
            return
        thread.seq = said.seq
        for connection in self._followers(thread.line):
            connection.give(said)

    def behind(self, conversation_id: UUID, seq: int) -> None:
        """The conversation has messages up to the seq, perhaps more than were given here."""
        thread = self._threads.get(conversation_id)
        if thread is not None and seq > thread.seq:
            self._moved[conversation_id] = max(seq, self._moved.get(conversation_id, 0))
            self.moved.set()

    async def read(self, missed: Missed) -> None:
        """Reads what is missing and gives it; raises what `missed` raises where a service is away for all.

        What cannot be read of one conversation is tried again after a pause, and keeps no other.
        """
        while since := self._since():
            await self.failing.halved(list(since), partial(self._read, missed, since))

    async def _read(self, missed: Missed, since: Mapping[UUID, int], part: Sequence[UUID]) -> None:
        for one in await missed({conversation_id: since[conversation_id] for conversation_id in part}, _PAGE):
            self.stored(one)
        for conversation_id in part:
            head = self.head(conversation_id)
            if head in (since[conversation_id], 0) or head >= self._moved[conversation_id]:
                del self._moved[conversation_id]

    def marked(self, mark: Marked, but: Collection[Connection] = ()) -> None:
        """Somebody has got further: everybody in the conversation is told, `but` those who said just this."""
        thread = self._threads.get(mark.conversation_id)
        if thread is not None:
            self._raise(thread, mark.no, mark.delivered_seq, mark.read_seq, but)

    def reachable(self, change: StatusChanged) -> None:
        """An employee can or cannot be reached: the investors who speak with them are told, unless they know."""
        if self._statuses.get(change.employee_no, "online") == change.status:
            return
        self._statuses[change.employee_no] = change.status
        frame = Presence(change.employee_no, change.status)  # type: ignore[arg-type]  # of the same words
        served = (one.line for one in self._threads.values() if one.line.staff_no == change.employee_no)
        for name in {f"investor:{line.investor_no}" for line in served}:
            self.push(name, frame)

    def is_here(self, name: str) -> bool:
        """Whether a principal has a socket on this node."""
        return bool(self._sockets(name))

    def languages(self, name: str) -> set[Language]:
        """In which languages the sockets of a principal want to be told."""
        return {connection.language for connection in self._sockets(name)}

    def push(self, name: str, frame: ServerFrame, language: Language | None = None) -> None:
        """A frame to every socket of a principal, or to those alone that speak this language."""
        for connection in tuple(self._sockets(name)):
            if connection.principal is not None and language in (None, connection.language):
                connection.push(frame)

    def _know(self, line: Line) -> Thread:
        thread = self._threads.get(line.id)
        if thread is None:
            thread = self._threads[line.id] = Thread(line, line.last_seq, _marks(line), {})
        thread.line = self._newest(line)
        self.behind(line.id, line.last_seq)
        for no, read in ((line.investor_no, line.investor_read), (line.staff_no, line.staff_read)):
            if no is not None:
                thread.written[no] = max(thread.written.get(no, 0), read or 0)
        for no, (delivered, read) in _marks(line).items():
            self._raise(thread, no, delivered, read)
        return thread

    def _newest(self, line: Line) -> Line:
        thread = self._threads.get(line.id)
        return line if thread is None or thread.line.revision <= line.revision else thread.line

    def _raise(self, thread: Thread, no: str, delivered: int, read: int, but: Collection[Connection] = ()) -> None:
        """Keeps the furthest and tells of it; a word that comes late, with less than was told already, is not heard."""
        known = thread.marks.get(no, (0, 0))
        reached = max(known[0], delivered), max(known[1], read)
        if reached != known:
            thread.marks[no] = reached
            for connection in self._followers(thread.line):
                if connection not in but:
                    connection.push(_receipt(thread, no))

    def _of_others(self, thread: Thread, who: Person) -> list[Receipt]:
        others = {thread.line.investor_no, thread.line.staff_no} - {who.no, None}
        reached = ((no, *_reached(thread, no)) for no in others if no is not None)
        return [_receipt(thread, no) for no, delivered, read in reached if delivered > read]

    def _since(self) -> dict[UUID, int]:
        for gone in [one for one in self._moved if one not in self._threads]:
            del self._moved[gone]
        due = [one for one in self._moved if self.failing.is_due(str(one))]
        return {one: self.head(one) for one in due[:_READ_AT_ONCE]}

    def _tell(self, was: Line | None, thread: Thread, but: Connection | None) -> None:
        line = thread.line
        new_staff = line.state == "assigned" and (was is None or was.staff_no != line.staff_no)
        if was is not None and was.staff_no not in (None, line.staff_no):
            self._dismiss(was, line)
        for connection in self._followers(line):
            unknown = connection.view.seq(line.id) is None
            if line.state != "closed":
                connection.view.follow(line.id, max(0, thread.seq - RESUMED_AT_MOST), thread.seq)
            if line.state == "assigned" and (new_staff or unknown) and connection is not but:
                connection.push(conversation_rules.assigned(line))
                for receipt in self._of_others(thread, connection.reader.person) if connection.reader else ():
                    connection.push(receipt)
            if line.state == "closed" and was is not None and was.state != "closed":
                investor = connection.reader is not None and connection.reader.customer is not None
                connection.push(Closed(line.id, line.staff_no or "", may_rate=investor))
            if line.state == "queued" and was is not None and was.state == "assigned":
                connection.push(Changed("conversations"))
            connection.look()

    def _dismiss(self, was: Line, line: Line) -> None:
        """For the employee who had the conversation it has ended: they get nothing more of it."""
        for connection in tuple(self._sockets(f"staff:{was.staff_no}")):
            connection.view.forget(line.id)
            connection.push(Closed(line.id, line.staff_no or "", may_rate=False))

    def _hint(self, line: Line) -> None:
        """Those who could take it from the queue, or could have, are told to look."""
        told = set(self._followers(line))
        for connection in tuple(self._everybody()):
            if connection.reader and line.branch_id in connection.reader.queues and connection not in told:
                connection.push(Changed("conversations"))

    def _concerns(self, line: Line, queues: set[int]) -> bool:
        """Whether somebody here takes part, or sees the queue in which it waits."""
        return any(True for _ in self._followers(line)) or (line.state == "queued" and line.branch_id in queues)

    def _followers(self, line: Line) -> Iterator[Connection]:
        names = (f"investor:{line.investor_no}", f"staff:{line.staff_no}")
        return (one for name in names for one in tuple(self._sockets(name)) if one.reader is not None)


def _marks(line: Line) -> dict[str, tuple[int, int]]:
    """Delivered and read of each side."""
    marks = {line.investor_no: (line.investor_delivered, line.investor_mark)}
    if line.staff_no is not None:
        marks[line.staff_no] = line.staff_delivered or 0, line.staff_mark or 0
    return marks


def _reached(thread: Thread, no: str) -> tuple[int, int]:
    """Delivered and read as it is told."""
    delivered, read = thread.marks.get(no, (0, 0))
    read = max(read, thread.written.get(no, 0))
    return max(delivered, read), read


def _receipt(thread: Thread, no: str) -> Receipt:
    delivered, read = _reached(thread, no)
    return Receipt(thread.line.id, no, delivered or None, read or None)
