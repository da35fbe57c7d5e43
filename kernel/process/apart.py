"""Items of a loop that stay apart: what is wrong with one is said, counted and shown, and never stops the others."""

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from kernel.errors import Overloaded, Unavailable
from kernel.process.retry import Backoff
from kernel.store.database import BROKEN
from kernel.telemetry import logs, metrics
from kernel.text import redaction

AWAY_FOR_ALL = (*BROKEN, TimeoutError, Unavailable, Overloaded)
"""What is no item's fault: PostgreSQL, or what else all of them need, does not answer."""

_SHOWN = 300.0
"""Seconds for which a failure is shown that does not come again, as its item is gone."""

_AT_MOST = 1000
_NAMED = 5
_TURN = "every one"
"""The item that stands for a turn of the loop as a whole."""

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")
_log = logs.logger(__name__)


def _name(item: object) -> str:
    return str(getattr(item, "id", item))


class _Trouble(Struct):
    problem: str
    backoff: Backoff
    failed_at: float


class Apart:
    """The items of one loop that fail now; each is tried again after a pause of its own, at most 5 s."""

    def __init__(self, loop: str) -> None:
        self.name, self._troubles = loop, dict[str, _Trouble]()

    def is_due(self, item: str) -> bool:
        """Whether an item may be tried: it did not fail just now."""
        trouble = self._troubles.get(item)
        return trouble is None or trouble.backoff.is_over

    @contextlib.contextmanager
    def item(self, item: str) -> Iterator[None]:
        """What is done with one item: its error ends here. Raises as its body does where a service is away for all."""
        try:
            yield
        except AWAY_FOR_ALL:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the others must not wait for it
            self.failed(item, error)
        else:
            self.worked(item)

    @contextlib.contextmanager
    def turn(self, item: str = _TURN) -> Iterator[None]:
        """What a loop does that outlives whatever it meets: the same, and what is away for all ends here too."""
        try:
            with self.item(item):
                yield
        except AWAY_FOR_ALL as error:
            self.failed(item, error)

    @property
    def items(self) -> list[str]:
        """Those that fail now."""
        return [item for item in self._troubles if item != _TURN]

    @property
    def works(self) -> bool:
        """Whether the last turn went well."""
        return _TURN not in self._troubles

    async def halved(
        self, items: Sequence[_Item], work: Callable[[Sequence[_Item]], Awaitable[_Found]],
        name: Callable[[_Item], str] = _name,
    ) -> list[_Found]:  # fmt: skip
        """Does the work with all at once, or with halves until what is wrong stands alone; each whole or not.

        Raises as the work does where a service is away for all. The `name` of an item is shown, and tells of nobody.
        """
        if not items:
            return []
        try:
            found = await work(items)
        except AWAY_FOR_ALL:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the others must not wait for it
            if len(items) == 1:
                self.failed(name(items[0]), error)
                return []
        else:
            for item in items if self._troubles else ():
                self.worked(name(item))
            return [found]
        middle = len(items) // 2
        halves = items[:middle], items[middle:]
        return [found for half in halves for found in await self.halved(half, work, name)]

    def worked(self, item: str = _TURN) -> None:
        """Nothing is wrong with an item any more."""
        self._troubles.pop(item, None)

    def failed(self, item: str, error: Exception) -> None:
        """Notes an error of an item; one that is new to it is logged."""
        problem = redaction.text(f"{type(error).__name__}: {error}")
        known = self._troubles.pop(item, None)
        trouble = _Trouble(problem, known.backoff if known else Backoff(item), time.monotonic())
        trouble.backoff.failed()
        self._troubles[item] = trouble
        while len(self._troubles) > _AT_MOST:
            del self._troubles[next(iter(self._troubles))]
        metrics.LOOP_FAILURES.labels(self.name).inc()
        metrics.LOOP_FAILING.labels(self.name).set(len(self._troubles))
        if known is None or known.problem != problem:
            expected = isinstance(error, AWAY_FOR_ALL)
            _log.warning(
                f"{self.name}: one item fails", item=item, problem=problem, exc_info=None if expected else error
            )

    def problem(self) -> str | None:
        """What fails, for readiness, which is asked on another thread; null when nothing does."""
        troubles = [(item, one) for item, one in list(self._troubles.items()) if one.failed_at > _old()]
        if not troubles:
            return None
        shown = "; ".join(f"{item}: {trouble.problem}" for item, trouble in troubles[-_NAMED:])
        more = len(troubles) - _NAMED
        return f"{shown}; {more} more" if more > 0 else shown

    def forget(self) -> None:
        """Forgets what failed and was not tried again; for every turn of the loop."""
        for item, trouble in list(self._troubles.items()):
            if trouble.failed_at <= _old():
                del self._troubles[item]
        metrics.LOOP_FAILING.labels(self.name).set(len(self._troubles))


def _old() -> float:
    return time.monotonic() - _SHOWN
