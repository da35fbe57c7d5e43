"""Stores the messages of every client of this node: those that wait share one transaction.

One batch is under way at a time; what comes meanwhile is the next one, so that under load a commit is paid by many.
A batch that PostgreSQL refuses is halved until what is wrong stands alone. A message whose conversation another node
holds is tried again until it has waited too long. A client is answered after the commit alone.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from centers.service import message
from centers.service.rules import Busy, Outcome, Refused, Said, Stored, Wanted
from kernel import logs
from kernel.database import Database
from kernel.errors import Overloaded, Unavailable
from kernel.metrics import CHAT_MESSAGES
from kernel.scope import apply_system

WAITING_AT_MOST = 5_000
"""Messages; another one is refused with `unavailable`."""
BATCH = 500
SPACING = 0.02
"""Seconds from one batch to the next: when they follow one another they shall be worth their round trips."""
PATIENCE = 5.0
"""Seconds for which a message is tried; then nobody can tell whether it is stored, and its client repeats it."""

_PAUSE, _AWAY_PAUSE = 0.01, 0.2
_TRANSACTION_SECONDS = 10.0
_log = logs.logger(__name__)


class Item(Struct, frozen=True):
    """A message, who is told what became of it, and until when that may take."""

    wanted: Wanted
    tell: Callable[[Stored | Refused], None]
    until: float


class Writer:
    """The line of messages to store; `stored` is told of each new one after its commit, in order of seq."""

    def __init__(self, database: Database, stored: Callable[[Said], None]) -> None:
        self._database, self._stored = database, stored
        self._line: deque[Item] = deque()
        self._waits = asyncio.Event()

    def put(self, wanted: Wanted, tell: Callable[[Stored | Refused], None]) -> None:
        """Takes a message; raises `Unavailable` when too many wait."""
        if len(self._line) >= WAITING_AT_MOST:
            raise Unavailable("too many messages wait to be stored")
        self._line.append(Item(wanted, tell, asyncio.get_running_loop().time() + PATIENCE))
        self._waits.set()

    async def run(self) -> None:
        """Stores what waits, for ever."""
        while True:
            await self._waits.wait()
            self._waits.clear()
            while self._line:
                begun = asyncio.get_running_loop().time()
                items = [self._line.popleft() for _ in range(min(BATCH, len(self._line)))]
                again = await self._store(items)
                self._retry(again)
                if len(again) == len(items):
                    break
                await asyncio.sleep(begun + SPACING - asyncio.get_running_loop().time())

    async def _store(self, items: Sequence[Item]) -> list[Item]:
        """Tells of those that are decided and gives those to be tried again."""
        try:
            async with asyncio.timeout(_TRANSACTION_SECONDS), self._database.transaction() as tx:
                await apply_system(tx, "chat", kind="company")
                outcomes = await message.store(tx, [item.wanted for item in items])
        except (Unavailable, Overloaded, TimeoutError) as error:
            _log.warning("messages wait: they cannot be stored just now", messages=len(items), problem=str(error))
            await asyncio.sleep(_AWAY_PAUSE)
            return list(items)
        except Exception:  # noqa: BLE001  # whatever is wrong with one of them must not stop the others
            return await self._halve(items)
        for meaning, times in Counter(map(_meaning, outcomes)).items():
            CHAT_MESSAGES.labels(meaning).inc(times)
        return [item for item, outcome in zip(items, outcomes, strict=True) if not self._tell(item, outcome)]

    async def _halve(self, items: Sequence[Item]) -> list[Item]:
        if len(items) == 1:
            _log.exception("a message could not be stored")
            items[0].tell(Refused("unavailable"))
            return []
        middle = len(items) // 2
        return [*await self._store(items[:middle]), *await self._store(items[middle:])]

    def _tell(self, item: Item, outcome: Outcome) -> bool:
        """Whether the message is decided."""
        if isinstance(outcome, Busy):
            return False
        item.tell(outcome)
        if isinstance(outcome, Stored) and outcome.new:
            self._stored(outcome.said)
        return True

    def _retry(self, items: Sequence[Item]) -> None:
        """Puts them before those that wait, in a moment; those that have waited too long are told so."""
        now = asyncio.get_running_loop().time()
        for item in items:
            if item.until <= now:
                item.tell(Refused("unavailable"))
                CHAT_MESSAGES.labels("unavailable").inc()
        if left := [item for item in items if item.until > now]:
            self._line.extendleft(reversed(left))
            asyncio.get_running_loop().call_later(_PAUSE, self._waits.set)


def _meaning(outcome: Outcome) -> str:
    if isinstance(outcome, Stored):
        return "stored" if outcome.new else "repeated"
    return outcome.code if isinstance(outcome, Refused) else "tried_again"
