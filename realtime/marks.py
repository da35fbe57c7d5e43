"""How far people have got: what all clients of this node say within a moment is kept in one transaction."""

import asyncio
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from centers.service import message
from centers.service.conversation_rules import Person
from centers.service.message import Mark, Progress
from kernel.errors import Overloaded, Unavailable
from kernel.process.apart import Apart
from kernel.security.scope import apply_system
from kernel.store.database import Database
from mobile_contracts.event import Marked
from mobile_contracts.frame import Delivered, Read
from realtime.connection import Connection
from realtime.delivery import Delivery
from realtime.gossip import Gossip

TRY_AGAIN_SECONDS = 1.0
_GATHER = 0.02
_AT_MOST = 500
_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)

Key = tuple[UUID, Literal["investor", "staff"], str]
Point = tuple[int, int]
"""Delivered and read, as seqs; 0 says nothing."""


class Said(Struct):
    """What somebody said of a conversation, the furthest, and how much of it over which sockets."""

    who: Person
    point: Point
    sockets: dict[Connection, Point]

    def join(self, other: "Said") -> None:
        """Takes in what was said at another moment; less never takes the place of more."""
        self.point = _further(self.point, other.point)
        for socket, point in other.sockets.items():
            self.sockets[socket] = _further(self.sockets.get(socket, (0, 0)), point)


class Marks:
    """Gathers marks by person and conversation, so that there are never more than these."""

    def __init__(self, database: Database, node: UUID, delivery: Delivery, gossip: Gossip) -> None:
        self._database, self._node, self._delivery, self._gossip = database, node, delivery, gossip
        self._said: dict[Key, Said] = {}
        self._left: dict[Key, Said] = {}
        self._waits, self._settled = asyncio.Event(), asyncio.Event()
        self._settled.set()
        self.failing = Apart("marks")

    def put(self, connection: Connection, who: Person, frame: Delivered | Read) -> None:
        """Takes what a client says."""
        point = (frame.seq, frame.seq if isinstance(frame, Read) else 0)
        self._join((frame.conversation_id, who.kind, who.no), Said(who, point, {connection: point}))

    async def settled(self) -> None:
        """Waits until all that was said is kept."""
        await self._settled.wait()

    async def run(self) -> None:
        """Keeps what was said, for ever; what could not be kept just now is taken again."""
        while True:
            await self._waits.wait()
            await asyncio.sleep(_GATHER)
            taken = {key: self._said.pop(key) for key in list(self._said)[:_AT_MOST]}
            if not self._said:
                self._waits.clear()
            self._left = dict(taken)
            self.failing.forget()
            await self._keep(taken)
            if not (self._said or self._left):
                self._settled.set()
            if self._left:
                for key, said in self._left.items():
                    self._join(key, said)
                self._left = {}
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _keep(self, taken: dict[Key, Said]) -> None:
        """Keeps marks and tells of them; those that are not kept stay among what is left."""
        try:
            marks = await self._store(taken)
        except (Unavailable, Overloaded, TimeoutError, asyncpg.PostgresError) as error:
            if isinstance(error, _REFUSED):
                await self._halve(taken, error)
            else:
                self.failing.failed("all", error)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one of them must not stop the others
            await self._halve(taken, error)
        else:
            self.failing.worked("all")
            for key in taken:
                del self._left[key]
            self._tell(marks, taken)

    async def _halve(self, taken: dict[Key, Said], error: Exception) -> None:
        """What will never be taken is found, said and let go."""
        keys = list(taken)
        if len(keys) == 1:
            self.failing.failed(f"{keys[0][1]} in {keys[0][0]}", error)
            del self._left[keys[0]]
            return
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            await self._keep({key: taken[key] for key in half})

    async def _store(self, taken: dict[Key, Said]) -> list[Mark]:
        progress = [Progress(key[0], said.who, *said.point) for key, said in taken.items()]
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            return await message.mark(tx, progress)

    def _join(self, key: Key, said: Said) -> None:
        known = self._said.setdefault(key, said)
        if known is not said:
            known.join(said)
        self._settled.clear()
        self._waits.set()

    def _tell(self, marks: list[Mark], taken: dict[Key, Said]) -> None:
        for mark in marks:
            event = Marked(self._node, mark.conversation_id, mark.no, mark.delivered_seq, mark.read_seq)
            said = taken[mark.conversation_id, mark.kind, mark.no]
            reached = mark.delivered_seq, mark.read_seq
            know = {socket for socket, point in said.sockets.items() if _further(point, reached) == point}
            self._delivery.marked(event, know)
            self._gossip.say(event)


def _further(one: Point, other: Point) -> Point:
    return max(one[0], other[0]), max(one[1], other[1])
