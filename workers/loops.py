"""Loops that run for as long as their process, and come back by themselves when something was away."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from kernel import logs
from kernel.retry import Backoff
from workers.job import DATABASE_AWAY

Step = Callable[[], Awaitable[float]]
"""One turn; gives the seconds to wait before the next."""

_log = logs.logger(__name__)


class Loops:
    """Named loops side by side until `stop`; `problems` says which cannot do their work now, and why."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Every loop ends after its turn."""
        self._stopping.set()

    async def run(self, name: str, step: Step) -> None:
        """Turns until `stop`."""
        while not self._stopping.is_set():
            pause = await self.turn(name, step)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def turn(self, name: str, step: Step) -> float:
        """One turn; gives the seconds to wait, after failures longer each time (at most 5 s), and says so once."""
        backoff = self._backoffs.setdefault(name, Backoff(name))
        try:
            pause = await step()
        except Exception as error:  # noqa: BLE001 - a loop outlives whatever one turn meets; it is said and counted
            self.problems[name] = f"{type(error).__name__}: {error}"
            if backoff.failed():
                expected = isinstance(error, DATABASE_AWAY)
                _log.warning(f"{name} does not work", problem=self.problems[name], exc_info=not expected)
            return backoff.pause
        if backoff.worked():
            _log.warning(f"{name} works again")
            self.problems.pop(name, None)
        return pause
