"""Stores the messages of every client of this node: those that wait share one transaction.

While little goes on each message is stored at once, a few of them side by side. Under load one batch is under way at a
time and what comes meanwhile is the next one, so that a commit is paid by many. A conversation stands in one at a time.
A batch that PostgreSQL refuses is halved until what is wrong stands alone. A message whose conversation another node
holds is tried again until it has waited too long. A client is answered after the commit alone, or told after
`PATIENCE` that nobody knows, whatever PostgreSQL is doing then.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from uuid import UUID

from msgspec import Struct

from centers.service import message
from centers.service.conversation_rules import Busy, Outcome, Refused, Said, Stored, Wanted
from kernel.errors import Overloaded, Unavailable
from kernel.process.apart import Apart
from kernel.security.scope import apply_system
from kernel.store.database import Database
from kernel.telemetry.metrics import CHAT_MESSAGES

WAITING_AT_MOST = 5_000
"""Messages; another one is refused with `unavailable`."""
BATCH = 500
LANES, FEW = 4, 8
"""Batches side by side, while no more messages than that are waiting and under way; else one alone."""
SPACING, SPACING_EACH = 0.02, 0.001
"""Seconds from one batch to the next, at most and for each message of the last one.

Below 1,000 messages a second batches are small, and one begins as soon as the last has ended. Above, each that is
larger lets the next one grow, until they are worth their round trips.
"""
PATIENCE = 4.5
"""Seconds for which a message is tried; then nobody can tell whether it is stored, and its client repeats it."""

_PAUSE, _AWAY_PAUSE = 0.01, 0.2
_TRANSACTION_SECONDS = 6.0


class Item(Struct):
    """A message, who is told what became of it, and until when that may take."""

    wanted: Wanted
    tell: Callable[[Stored | Refused], None]
    until: float
    told: bool = False

    def decide(self, outcome: Stored | Refused) -> None:
        """Tells of it, once."""
        if not self.told:
            self.told = True
            self.tell(outcome)


class Writer:
    """The line of messages to store; `stored` is told of each new one after its commit, in order of seq."""

    def __init__(self, database: Database, stored: Callable[[Said], None]) -> None:
        self._database, self._stored = database, stored
        self._line: deque[Item] = deque()
        self._owed: deque[Item] = deque()  # in order of `until`, those that nobody was told of and perhaps some others
        self._timer: asyncio.TimerHandle | None = None
        self._group: asyncio.TaskGroup | None = None
        self._next: asyncio.Handle | None = None
        self._held: set[UUID] = set()  # conversations that a batch has, or that are tried again in a moment
        self._batches = self._under_way = 0
        self._not_before = 0.0
        self.failing = Apart("messages")

    def put(self, wanted: Wanted, tell: Callable[[Stored | Refused], None]) -> None:
        """Takes a message; raises `Unavailable` when too many wait."""
        if len(self._line) >= WAITING_AT_MOST:
            raise Unavailable("too many messages wait to be stored")
        loop = asyncio.get_running_loop()
        item = Item(wanted, tell, loop.time() + PATIENCE)
        self._line.append(item)
        self._owed.append(item)
        self._go_on()
        if self._timer is None:
            self._timer = loop.call_at(item.until, self._expire)

    async def run(self) -> None:
        """Stores what waits, for ever."""
        async with asyncio.TaskGroup() as self._group:
            self._held.clear()
            self._batches = self._under_way = 0
            self._go_on()
            await asyncio.Event().wait()

    def _go_on(self) -> None:
        """Has the next batch started, with all that is put in this moment."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            late = self._not_before > loop.time()
            self._next = loop.call_at(self._not_before, self._start) if late else loop.call_soon(self._start)

    def _start(self) -> None:
        self._next = None
        while self._line and self._group is not None:
            few = len(self._line) + self._under_way <= FEW
            if self._batches >= (LANES if few else 1):
                return
            items = self._take()
            if not items:
                return
            self._batches += 1
            self._under_way += len(items)
            self._held.update(one.wanted.conversation_id for one in items)
            self._group.create_task(self._carry(items))

    async def _carry(self, items: Sequence[Item]) -> None:
        """One batch; those to be tried again keep their conversations until they stand in the line again."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        again = await self._store(items)
        self._batches -= 1
        self._under_way -= len(items)
        self._held.difference_update(one.wanted.conversation_id for one in items)
        self._forget_told()
        if again:
            self._held.update(one.wanted.conversation_id for one in again)
            loop.call_later(_PAUSE, self._try_again, again)
        self._not_before = begun + min(SPACING, len(items) * SPACING_EACH)
        self._go_on()

    def _try_again(self, items: Sequence[Item]) -> None:
        self._held.difference_update(one.wanted.conversation_id for one in items)
        self._line.extendleft(reversed(items))
        self._go_on()

    def _take(self) -> list[Item]:
        """The next ones that are still waited for, of conversations that no batch has."""
        items: list[Item] = []
        held: list[Item] = []
        while self._line and len(items) < BATCH:
            item = self._line.popleft()
            if not item.told:
                (held if item.wanted.conversation_id in self._held else items).append(item)
        self._line.extendleft(reversed(held))
        return items

    async def _store(self, items: Sequence[Item]) -> list[Item]:
        """Tells of those that are decided and gives those to be tried again."""
        try:
            async with asyncio.timeout(_TRANSACTION_SECONDS), self._database.transaction() as tx:
                await apply_system(tx, "chat", kind="company")
                outcomes = await message.store(tx, [item.wanted for item in items])
        except (Unavailable, Overloaded, TimeoutError) as error:
            self.failing.failed("all", error)
            await asyncio.sleep(_AWAY_PAUSE)
            return list(items)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one of them must not stop the others
            return await self._halve(items, error)
        self.failing.worked("all")
        for meaning, times in Counter(map(_meaning, outcomes)).items():
            CHAT_MESSAGES.labels(meaning).inc(times)
        return [item for item, outcome in zip(items, outcomes, strict=True) if not self._tell(item, outcome)]

    async def _halve(self, items: Sequence[Item], error: Exception) -> list[Item]:
        if len(items) == 1:
            self.failing.failed(f"a message in {items[0].wanted.conversation_id}", error)
            items[0].decide(Refused("unavailable"))
            return []
        middle = len(items) // 2
        return [*await self._store(items[:middle]), *await self._store(items[middle:])]

    def _tell(self, item: Item, outcome: Outcome) -> bool:
        """Whether the message is decided."""
        if isinstance(outcome, Busy):
            return False
        item.decide(outcome)
        if isinstance(outcome, Stored) and outcome.new:
            self._stored(outcome.said)
        return True

    def _expire(self) -> None:
        """Those that have waited too long are told so, even while their transaction is under way."""
        loop = asyncio.get_running_loop()
        while self._owed and (self._owed[0].told or self._owed[0].until <= loop.time()):
            item = self._owed.popleft()
            if not item.told:
                item.decide(Refused("unavailable"))
                CHAT_MESSAGES.labels("unavailable").inc()
        self._timer = loop.call_at(self._owed[0].until, self._expire) if self._owed else None

    def _forget_told(self) -> None:
        while self._owed and self._owed[0].told:
            self._owed.popleft()


def _meaning(outcome: Outcome) -> str:
    if isinstance(outcome, Stored):
        return "stored" if outcome.new else "repeated"
    return outcome.code if isinstance(outcome, Refused) else "tried_again"
