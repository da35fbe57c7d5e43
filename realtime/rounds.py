"""What a node looks at again and again: at once on a word, else every 2 s."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from kernel.process.apart import Apart

LOOK_SECONDS, _BREATH_SECONDS = 2.0, 0.1


class Rounds:
    """Rounds of one kind, whatever any of them meets; `failing` are the items of which it goes wrong."""

    def __init__(self, name: str, look: Callable[[], Awaitable[None]]) -> None:
        self._look, self._told = look, asyncio.Event()
        self.failing = Apart(name)

    def heard(self) -> None:
        """Something was written: looks at once."""
        self._told.set()

    async def run(self) -> None:
        """Looks, for ever."""
        while True:
            await asyncio.sleep(_BREATH_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._told.wait()
            self._told.clear()
            self.failing.forget()
            with self.failing.turn():
                await self._look()
