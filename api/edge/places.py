"""The requests that a process works on at once: at most so many, so that it says no in time."""

import time

from kernel.telemetry import metrics


class Places:
    """So many requests at once; whoever finds none is refused."""

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most
        self._taken = 0
        self._full_since: float | None = None

    def take(self) -> bool:
        """Takes a place for a request that calls `leave` later; false when there is none."""
        if self._taken >= self.at_most:
            return False
        self._taken += 1
        if self._taken == self.at_most:
            self._full_since = time.monotonic()
        metrics.HTTP_IN_FLIGHT.inc()
        return True

    def leave(self) -> None:
        """Gives a place back."""
        self._taken -= 1
        self._full_since = None
        metrics.HTTP_IN_FLIGHT.dec()

    def full_for(self) -> float:
        """Seconds since when there was no free place at all, 0 when there is one."""
        return 0.0 if self._full_since is None else time.monotonic() - self._full_since
