"""What a node does by the clock and on a word of the bus: it reads what it was told of, and looks every 2 s anyway."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from uuid import UUID

from centers.service import attendance, conversation_list
from centers.service.conversation_rules import Line
from kernel.process.apart import Apart
from kernel.security.scope import apply_system
from kernel.store.database import Database
from mobile_contracts.event import ConversationMoved, Event, Marked, MessagesStored, NoticeGiven, StatusChanged
from mobile_contracts.frame import Notice
from notifications.inbox import notice
from realtime.connection import Connection
from realtime.desk import Desk

LOOK_SECONDS = 2.0
_NOTICES_AT_MOST = 10_000
_AT_ONCE = 200
_BREATH_SECONDS = 0.02
_TRY_AGAIN_SECONDS = 0.5


class Lookout:
    """Looks at conversations, messages and who is here, for the clients of this node."""

    def __init__(
        self, database: Database, node: UUID, desk: Desk, connections: Callable[[], Iterable[Connection]]
    ) -> None:
        self._database, self._node, self._desk, self._connections = database, node, desk, connections
        self._named: set[UUID] = set()
        self._told = asyncio.Event()
        self._due = 0.0
        self._present: dict[str, int] = {}
        self._notices: asyncio.Queue[NoticeGiven] = asyncio.Queue(_NOTICES_AT_MOST)
        self._looking, self._telling = Apart("conversations"), Apart("notices")
        self.failing = (desk.delivery.failing, self._looking, self._telling)

    def heard(self, event: Event | None) -> None:
        """What the bus says; after a silence everything is looked at."""
        delivery = self._desk.delivery
        match event:
            case None:
                self._due = 0.0
                self._told.set()
            case MessagesStored(seqs):
                for conversation_id, seq in seqs.items():
                    delivery.behind(conversation_id, seq)
            case ConversationMoved(conversation_id):
                self._named.add(conversation_id)
                self._told.set()
            case Marked(node_id=node) if node != self._node:
                delivery.marked(event)
            case StatusChanged(node_id=node) if node != self._node:
                delivery.reachable(event)
            case NoticeGiven(audience=audience, subject=subject) if delivery.is_here(f"{audience}:{subject}"):
                with contextlib.suppress(asyncio.QueueFull):  # who is not told here finds it in their list
                    self._notices.put_nowait(event)
            case _:
                pass

    def moved(self, conversation_id: UUID) -> None:
        """This node found a conversation to be somebody else's: looked at here, and told to the others."""
        self.heard(ConversationMoved(conversation_id))
        self._desk.gossip.say(ConversationMoved(conversation_id))

    async def read(self) -> None:
        """Reads messages that are missing here, for ever."""
        delivery = self._desk.delivery
        while True:
            await delivery.moved.wait()
            delivery.moved.clear()
            delivery.failing.forget()
            with delivery.failing.turn():
                await delivery.read(self._desk.read)
            if not delivery.failing.works:
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
                delivery.moved.set()

    async def tell(self) -> None:
        """Gives notices to those who are here, for ever."""
        while True:
            given = await self._notices.get()
            delivery, name = self._desk.delivery, f"{given.audience}:{given.subject}"
            self._telling.forget()
            with self._telling.turn(str(given.notice_id)):  # who is not told of it finds it in their list
                async with self._database.transaction() as tx:
                    await apply_system(tx, "chat", kind="company")
                    found = {one: await notice.find(tx, given.notice_id, one) for one in delivery.languages(name)}
                for language, told in found.items():
                    frame = Notice(told.id, told.kind, told.title, told.body, told.at, told.link)
                    delivery.push(name, frame, language)

    async def look(self) -> None:
        """Looks at conversations and at who is here, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._due or loop.time()):
                    await self._told.wait()
            self._told.clear()
            self._looking.forget()
            with self._looking.turn():
                await self._look_at(every=loop.time() >= self._due)
            if not self._looking.works:
                self._due = loop.time() + _TRY_AGAIN_SECONDS
            await asyncio.sleep(_BREATH_SECONDS)

    async def _look_at(self, *, every: bool) -> None:
        named, self._named = self._named, set()
        try:
            lines = await (self._everything(named) if every else self._standing(named))
        except BaseException:
            self._named |= named
            raise
        if every:
            self._due = asyncio.get_running_loop().time() + LOOK_SECONDS
        for number, line in enumerate(lines):
            with self._looking.item(str(line.id)):
                self._desk.delivery.changed(line)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)  # messages do not wait until thousands of conversations were looked at

    async def _everything(self, named: set[UUID]) -> list[Line]:
        connections, delivery = list(self._connections()), self._desk.delivery
        readers = [one.reader for one in connections if one.reader is not None]
        serving = [one.reader.person for one in connections if one.reader is not None and one.serves]
        await self._attend({person.no: person.id for person in serving})
        return await self._standing(
            {*named, *delivery.open_ones()},
            customers={one.customer for one in readers if one.customer is not None},
            employees={one.employee for one in readers if one.employee is not None},
            queues=delivery.queues(),
        )

    async def _standing(self, ids: Iterable[UUID], **whose: Iterable[int]) -> list[Line]:
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            return await conversation_list.standing(tx, list(ids), **{kind: list(of) for kind, of in whose.items()})

    async def _attend(self, staff: dict[str, int]) -> None:
        """Says who is here, and tells of those who came or went."""
        async with self._database.transaction() as tx:
            await attendance.attend(tx, self._node, staff.values())
            left = await attendance.leave(tx, self._node, staff.values())
            moved = (staff.keys() ^ self._present.keys()).union(left)  # also who came and left between two looks
            found = await attendance.statuses(tx, list(moved)) if moved else []
        self._present = staff
        for one in found:
            self._desk.reachable(one.id, one.status)
