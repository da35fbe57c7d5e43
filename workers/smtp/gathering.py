"""Writes that gather: while one is under way, what comes meanwhile waits and goes together with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kernel.process.apart import AWAY_FOR_ALL

Item = TypeVar("Item")


class Gathering(Generic[Item]):
    """Each caller waits for its own item; a write is one transaction of many, whole or not at all.

    What is away for all fails all of them, whatever else goes wrong only those that it is wrong with.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[None]], at_most: int = 200) -> None:
        self._write, self._at_most = write, at_most
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Returns when the item is written; raises what its write raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._turn())
        await done

    async def _turn(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._at_most], self._waiting[self._at_most :]
            await self._settle(batch)

    async def _settle(self, batch: "list[tuple[Item, asyncio.Future[None]]]") -> None:
        """Writes them; what is wrong with one of them is found by halves, and is its own."""
        error: BaseException | None = None
        try:
            await self._write([item for item, _ in batch])
        except AWAY_FOR_ALL as problem:
            error = problem
        except Exception as problem:  # noqa: BLE001  # it is raised to whom it concerns
            error = problem
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
        except asyncio.CancelledError:
            error = asyncio.CancelledError()
        for _, done in batch:
            if not done.done():
                done.set_result(None) if error is None else done.set_exception(error)
