"""What nodes tell one another: gathered while a word is on its way, in bounds."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import msgspec

from kernel.bus.client import MESSAGE_AT_MOST, Bus, Heard
from mobile_contracts.event import ConversationMoved, Event, MessagesStored
from realtime.gossip import Gossip


class Slow(Bus):
    """A bus that takes a word at a time."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.told: list[list[Event]] = []
        self.free = asyncio.Event()

    async def tell(self, events: Sequence[Event]) -> bool:
        self.told.append(list(events))
        await self.free.wait()
        return True

    async def close(self) -> None: ...

    async def _tell(self, messages: list[str]) -> None: ...

    async def _hear(self, heard: Heard) -> None: ...  # type: ignore[override]


async def test_seqs_gather_by_conversation_while_the_bus_is_busy() -> None:
    bus = Slow()
    gossip = Gossip(bus)
    running = asyncio.create_task(gossip.run())
    gossip.stored(UUID(int=1), 1)
    while not bus.told:
        await asyncio.sleep(0)
    for seq in range(2, 50):
        gossip.stored(UUID(int=1), seq)
    gossip.say(ConversationMoved(UUID(int=2)))
    bus.free.set()
    while len(bus.told) < 2:
        await asyncio.sleep(0.01)
    assert bus.told == [
        [MessagesStored({UUID(int=1): 1})],
        [MessagesStored({UUID(int=1): 49}), ConversationMoved(UUID(int=2))],
    ]
    running.cancel()


def test_no_word_is_longer_than_the_bus_takes() -> None:
    async def gathered() -> list[Event]:
        gossip = Gossip(None)
        for number in range(1000):
            gossip.stored(UUID(int=number), 2**53)
        return gossip.gathered()

    words = asyncio.run(gathered())
    assert all(len(msgspec.json.encode(word)) < MESSAGE_AT_MOST for word in words)
    assert len({one for word in words if isinstance(word, MessagesStored) for one in word.seqs}) == 1000
