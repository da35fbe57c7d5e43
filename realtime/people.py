"""Keeps true who is behind open sockets: their roles, their branch and what was merged into it are found anew.

Other than over HTTP nothing is asked with each frame: what a socket knows of its principal is what was found at the
sign-in, until this module finds that something was written of which permissions or queues are made.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from centers.service import conversation_list
from identity import principal as identity
from kernel.security.scope import apply_system
from kernel.store.database import Database
from realtime.connection import Connection
from realtime.rounds import Rounds

_AT_ONCE = 100
"""Sessions whose principals are found in one transaction."""


class People:
    """The principals behind the sockets of this node; `changed` is called before they are found anew."""

    def __init__(
        self, database: Database, connections: Callable[[], Iterable[Connection]], changed: Callable[[], None]
    ) -> None:
        self._database, self._connections, self._changed = database, connections, changed
        self._marks: dict[str, str] = {}
        self._changed_at = {"staff": -math.inf, "investor": -math.inf}
        self.rounds = Rounds("people", self.look)

    async def look(self) -> None:
        """Finds anew everybody of whom was found what was before the last change; else they stay who they were."""
        async with self._database.transaction() as tx:
            marks = {"staff": await identity.mark(tx), "investor": await identity.role_mark(tx)}
        for audience, mark in marks.items():
            if self._marks.get(audience, mark) != mark:
                self._changed_at[audience] = asyncio.get_running_loop().time()
                self._changed()
        self._marks = marks
        stale: defaultdict[UUID, list[Connection]] = defaultdict(list)
        for one in self._connections():
            if one.principal is not None and one.found_at < self._changed_at[one.principal.audience]:
                stale[one.principal.session_id].append(one)
        sessions = list(stale)
        for at in range(0, len(sessions), _AT_ONCE):
            part = sessions[at : at + _AT_ONCE]
            await self.rounds.failing.halved(part, lambda few: self._find_anew({one: stale[one] for one in few}))

    async def _find_anew(self, sockets: Mapping[UUID, Sequence[Connection]]) -> None:
        began = asyncio.get_running_loop().time()
        async with self._database.transaction() as tx:
            principals = await identity.find_many(tx, list(sockets))  # of one that has ended the hub hears too
            await apply_system(tx, "chat", kind="company")
            readers = await conversation_list.readers_of(tx, list(principals.values()))
        for principal, reader in zip(principals.values(), readers, strict=True):
            for connection in sockets[principal.session_id]:
                connection.found_at = began
                connection.renewed(principal, reader)
