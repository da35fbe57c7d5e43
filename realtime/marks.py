"""How far people have got: what all clients of this node say within a moment is kept in one transaction."""

import asyncio
from typing import Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from centers.service import message
from centers.service.message import Mark, Progress
from centers.service.rules import Person
from kernel import logs
from kernel.database import Database
from kernel.errors import Overloaded, Unavailable
from kernel.scope import apply_system
from mobile_contracts.event import Marked
from mobile_contracts.frame import Delivered, Read
from realtime.connection import Connection
from realtime.delivery import Delivery
from realtime.gossip import Gossip

_GATHER = 0.02
_AT_MOST = 500
_log = logs.logger(__name__)

Key = tuple[UUID, Literal["investor", "staff"], str]


class Said(Struct):
    """What somebody said of a conversation, the furthest, and over which sockets."""

    progress: Progress
    sockets: set[Connection]


class Marks:
    """Gathers marks by person and conversation, so that there are never more than these."""

    def __init__(self, database: Database, node: UUID, delivery: Delivery, gossip: Gossip) -> None:
        self._database, self._node, self._delivery, self._gossip = database, node, delivery, gossip
        self._said: dict[Key, Said] = {}
        self._waits = asyncio.Event()

    def put(self, connection: Connection, who: Person, frame: Delivered | Read) -> None:
        """Takes what a client says."""
        key = (frame.conversation_id, who.kind, who.no)
        said = self._said.setdefault(key, Said(Progress(frame.conversation_id, who), set()))
        before = said.progress
        if isinstance(frame, Read):
            said.progress = Progress(before.conversation_id, who, before.delivered, max(before.read, frame.seq))
        else:
            said.progress = Progress(before.conversation_id, who, max(before.delivered, frame.seq), before.read)
        said.sockets.add(connection)
        self._waits.set()

    async def run(self) -> None:
        """Keeps what was said, for ever; what cannot be kept just now is tried again."""
        while True:
            await self._waits.wait()
            await asyncio.sleep(_GATHER)
            self._waits.clear()
            keys = list(self._said)[:_AT_MOST]
            taken = {key: self._said.pop(key) for key in keys}
            try:
                self._tell(await self._keep([one.progress for one in taken.values()]), taken)
            except (Unavailable, Overloaded, asyncpg.PostgresError) as error:
                _log.warning("marks wait: they cannot be kept just now", problem=type(error).__name__)
                self._said = taken | self._said
                await asyncio.sleep(1)
            if self._said:
                self._waits.set()

    async def _keep(self, progress: list[Progress]) -> list[Mark]:
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            return await message.mark(tx, progress)

    def _tell(self, marks: list[Mark], taken: dict[Key, Said]) -> None:
        for mark in marks:
            event = Marked(self._node, mark.conversation_id, mark.no, mark.delivered_seq, mark.read_seq)
            self._delivery.marked(event, taken[mark.conversation_id, mark.kind, mark.no].sockets)
            self._gossip.say(event)
