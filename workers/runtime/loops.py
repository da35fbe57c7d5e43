"""Loops that run for as long as their process, and come back by themselves when something was away."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from kernel.process.retry import Backoff
from kernel.telemetry import logs, metrics
from kernel.text import redaction
from workers.runtime.job import DATABASE_AWAY

Step = Callable[[], Awaitable[float]]
"""One turn; gives the seconds to wait before the next."""

_log = logs.logger(__name__)


_REMEMBERED = 100


class Loops:
    """Named loops side by side until `stop`; `problems` says which cannot do their work now, and why."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self._said: dict[str, set[str]] = {}
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
        """One turn; gives the seconds to wait, after failures longer each time (at most 5 s).

        Every problem that is new since the loop last worked is said, not the first alone.
        """
        backoff = self._backoffs.setdefault(name, Backoff(name))
        try:
            pause = await step()
        except Exception as error:  # noqa: BLE001 - a loop outlives whatever one turn meets; it is said and counted
            self._failed(name, error)
            backoff.failed()
            return backoff.pause
        if backoff.worked():
            _log.warning(f"{name} works again")
            self.problems.pop(name, None)
            self._said.pop(name, None)
        return pause

    def _failed(self, name: str, error: Exception) -> None:
        self.problems[name] = problem = redaction.text(f"{type(error).__name__}: {error}")
        metrics.LOOP_FAILURES.labels(name).inc()
        said = self._said.setdefault(name, set())
        if problem not in said and len(said) < _REMEMBERED:
            said.add(problem)
            expected = isinstance(error, DATABASE_AWAY)
            _log.warning(f"{name} does not work", problem=problem, exc_info=None if expected else error)
