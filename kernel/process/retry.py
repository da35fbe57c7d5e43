"""How long to wait before trying again: twice as long after each failure, within bounds, never all at once."""

import random
import time

from kernel.errors import Unavailable

_chance = random.SystemRandom()


class Backoff:
    """Counts failures of one part; `pause` is how long to wait before the next try, seconds."""

    def __init__(self, part: str, shortest: float = 0.1, longest: float = 5.0) -> None:
        self._part, self._shortest, self._longest = part, shortest, longest
        self._failures, self._not_before = 0, 0.0

    @property
    def pause(self) -> float:
        """Seconds to wait now: 0 before the first failure, then doubling, spread by a quarter."""
        if not self._failures:
            return 0.0
        full = min(self._longest, self._shortest * 2.0 ** min(self._failures - 1, 16))
        return full * _chance.uniform(0.75, 1.0)

    def failed(self) -> bool:
        """Notes a failure; whether it is the first of a row, which alone deserves a line in the log."""
        self._failures += 1
        self._not_before = time.monotonic() + self.pause
        return self._failures == 1

    def worked(self) -> bool:
        """Notes that it worked; whether that ends a row of failures."""
        failed, self._failures, self._not_before = self._failures > 0, 0, 0.0
        return failed

    @property
    def is_over(self) -> bool:
        """Whether the pause after the last failure is over; who is turned away before that has not failed."""
        return time.monotonic() >= self._not_before

    def check(self) -> None:
        """Raises `Unavailable` while the pause after a failure lasts."""
        if not self.is_over:
            raise Unavailable(f"{self._part} does not answer; it is asked again in a moment")
