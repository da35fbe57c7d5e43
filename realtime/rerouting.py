"""Takes conversations from employees who may have them no longer, within 5 s of the moment in which the ground is gone.

Every node looks every 2 s at those that concern somebody here, and at the next few thousand of all others in turn, so
that what nobody here follows is found too; likewise at what waits in queues and belongs elsewhere by now. When people,
roles or the tree of units changed, all are looked at at once.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

from centers.service import holding
from centers.service.holding import Groundless
from kernel.security.scope import apply_system
from kernel.store.database import Database
from realtime.rounds import Rounds

IN_TURN = 5_000
"""Conversations of everybody that are looked at each time."""

_AT_ONCE = 200
_NIL = UUID(int=0)


class Rerouting:
    """The round of one node; `moved` is told of each conversation that went elsewhere, after the commit."""

    def __init__(self, database: Database, here: Callable[[], Sequence[UUID]], moved: Callable[[UUID], None]) -> None:
        self._database, self._here, self._moved = database, here, moved
        self._after, self._waiting_after = _NIL, 0
        self._everything = False
        self.rounds = Rounds("rerouting", self.look)

    def look_at_all(self) -> None:
        """Has every conversation looked at now: something changed that grounds are made of."""
        self._everything = True
        self.rounds.heard()

    async def look(self) -> None:
        """One round: what concerns somebody here, and the next of all; all of them when something changed."""
        everything, self._everything = self._everything, False
        try:
            await self._route(self._here())
            if everything:
                self._after, self._waiting_after = _NIL, 0
            while await self._next() and everything:
                pass
            while await self._next_waiting() and everything:
                pass
        except BaseException:
            self._everything |= everything
            raise

    async def _next(self) -> bool:
        """Whether there are further ones."""
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            ids = await holding.assigned_after(tx, self._after, IN_TURN)
        await self._route(ids)
        self._after = ids[-1] if len(ids) == IN_TURN else _NIL
        return self._after != _NIL

    async def _next_waiting(self) -> bool:
        """Whether further ones wait in queues."""
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            found = await holding.find_misplaced(tx, self._waiting_after, IN_TURN)
        for at in range(0, len(found.misplaced), _AT_ONCE):
            await self.rounds.failing.halved(found.misplaced[at : at + _AT_ONCE], self._place)
        self._waiting_after = found.last if found.customers == IN_TURN else 0
        return self._waiting_after != 0

    async def _route(self, ids: Sequence[UUID]) -> None:
        for lost in await self.rounds.failing.halved(ids, self._check):
            for at in range(0, len(lost), _AT_ONCE):
                await self.rounds.failing.halved(lost[at : at + _AT_ONCE], self._move)

    async def _check(self, ids: Sequence[UUID]) -> Sequence[Groundless]:
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            return await holding.check_holders(tx, ids)

    async def _place(self, ids: Sequence[UUID]) -> None:
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            moved = await holding.do_place(tx, ids)
        for one in moved:
            self._moved(one)

    async def _move(self, lost: Sequence[Groundless]) -> None:
        async with self._database.transaction() as tx:
            await apply_system(tx, "chat", kind="company")
            moved = await holding.do_route_again(tx, lost)
        for one in moved:
            self._moved(one)
