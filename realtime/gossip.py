"""What this node tells the others over the bus: the newest seqs, marks, whose a conversation is, who can be reached.

Told after the commit, apart from it: NOTIFY holds a lock of the whole database, so it stands alone in a short
transaction. While one word is on its way the next ones gather. What is lost, others find by looking.
"""

import asyncio
from collections import deque
from uuid import UUID

from kernel.bus.client import Bus
from mobile_contracts.event import Event, MessagesStored

_SEQS_EACH = 60
"""Conversations in one message, which stays below what the bus takes."""
_AT_MOST = 1000
_BREATH = 0.02


class Gossip:
    """Words to others, at most so many that wait: the oldest give way."""

    def __init__(self, bus: Bus | None) -> None:
        """Without a bus nobody is told."""
        self._bus = bus
        self._seqs: dict[UUID, int] = {}
        self._events: deque[Event] = deque(maxlen=_AT_MOST)
        self._waits = asyncio.Event()

    def stored(self, conversation_id: UUID, seq: int) -> None:
        """The conversation has messages up to the seq."""
        self._seqs[conversation_id] = seq
        self._waits.set()

    def say(self, event: Event) -> None:
        """Something else has happened."""
        self._events.append(event)
        self._waits.set()

    async def run(self) -> None:
        """Tells what there is, for ever."""
        while True:
            await self._waits.wait()
            self._waits.clear()
            events = self.gathered()
            if self._bus is not None:
                await self._bus.tell(events)
            await asyncio.sleep(_BREATH)

    def gathered(self) -> list[Event]:
        """Takes what waits, seqs first."""
        seqs, events = list(self._seqs.items()), list(self._events)
        self._seqs.clear()
        self._events.clear()
        parts = [dict(seqs[at : at + _SEQS_EACH]) for at in range(0, len(seqs), _SEQS_EACH)]
        return [*(MessagesStored(part) for part in parts), *events]
