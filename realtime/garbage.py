"""When a node looks for garbage: what sockets leave behind when they end is let go while nobody comes.

Thousands that are cut come back at once. Letting go of what their old sockets left takes half a second, in which nobody
is signed in: that waits until the wave is over, but not for ever.
"""

import asyncio
import gc
from collections.abc import Callable

_YOUNG = 50_000
"""New objects after which Python looks through these alone, at any time; that takes milliseconds."""

DUE, OVERDUE = 20, 60
"""Such looks after which the older ones are looked through when it is quiet, and after which they are in any case.

Where somebody signs in each second it is never quiet, and what is left over must not grow for hours.
"""

WHOLE = 4
"""Every so many times all objects are looked through: what a socket of long standing leaves is among the oldest."""

_NEVER = 1_000_000
QUIET_SECONDS = 1.0


def left_to_us() -> None:
    """Python looks through the youngest objects alone from now on, and never at what is imported."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)


def looks() -> int:
    """How often objects were looked through, but not all of them.

    `gc.get_count()` would not tell on Python 3.14.0 to 3.14.4, whose own looks go through some of the old ones, too.
    """
    return sum(generation["collections"] for generation in gc.get_stats()[:2])


class Garbage:
    """Looks through older objects in quiet moments; `arrived` gives the loop's time when somebody last came."""

    def __init__(self, arrived: Callable[[], float]) -> None:
        self._arrived, self._times, self._looks = arrived, 0, looks()

    async def run(self) -> None:
        """Looks twice in each quiet moment; never ends."""
        while True:
            await asyncio.sleep(QUIET_SECONDS / 2)
            self.look(asyncio.get_running_loop().time())

    def look(self, now: float) -> None:
        """Collects when it is due and quiet, or overdue."""
        waiting = looks() - self._looks
        quiet = now - self._arrived() >= QUIET_SECONDS
        if waiting >= (DUE if quiet else OVERDUE):
            self._times += 1
            gc.collect(1 if self._times % WHOLE else 2)
            self._looks = looks()
