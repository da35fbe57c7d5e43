"""A listener on a bus, and what it heard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from kernel.bus.client import Bus
from mobile_contracts.event import Event
from tests.brokers import bus_settings

__all__ = ["bus_settings"]


class Ear:
    """What was heard, in order; null where anything may have happened unheard."""

    def __init__(self) -> None:
        self.heard: list[Event | None] = []
        self._more = asyncio.Event()

    def __call__(self, event: Event | None) -> None:
        self.heard.append(event)
        self._more.set()

    async def until(self, holds: Callable[[list[Event | None]], bool], seconds: float = 20) -> None:
        """Waits until what was heard fits."""
        async with asyncio.timeout(seconds):
            while not holds(self.heard):
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def listening(bus: Bus) -> AsyncIterator[Ear]:
    """Listens to the bus until the block ends; begins when the listener hears."""
    ear = Ear()
    task = asyncio.create_task(bus.listen(ear))
    try:
        await ear.until(bool)
        yield ear
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
