"""Token buckets per address and per principal, kept in the memory of one process."""

import math
import time
from collections import OrderedDict
from uuid import UUID

from msgspec import Struct

from kernel.errors import RateLimited

_BUCKETS_AT_MOST = 50_000


class Allowance(Struct, frozen=True):
    """What is left of a limit: requests now, seconds until there is one more (`wait`) and until all are (`reset`)."""

    limit: int
    remaining: int
    wait: float
    reset: float

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit-* headers."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % math.ceil(self.reset)),
        ]


class Buckets:
    """`rate` requests a second each, `burst` at once; the least recently used bucket goes when there are too many."""

    def __init__(self, rate: float, burst: float, at_most: int = _BUCKETS_AT_MOST) -> None:
        self._rate, self._burst, self._at_most = rate, max(burst, 1.0), at_most
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float | None = None) -> tuple[bool, Allowance]:
        """Takes one request from the key's bucket: whether it was there, and what is left. `now` is in seconds."""
        now = time.monotonic() if now is None else now
        level, since = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - since) * self._rate)
        taken = level >= 1.0
        level -= 1.0 if taken else 0.0
        self._levels[key] = (level, now)
        if len(self._levels) > self._at_most:
            self._levels.popitem(last=False)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self._rate
        return taken, Allowance(int(self._burst), int(level), wait, (self._burst - level) / self._rate)


class Crowd:
    """Others of the address have used up what it may ask: let in is whose token of ours names a session."""

    def __init__(self, wait: float, sessions: Buckets) -> None:
        self._wait, self._sessions = wait, sessions

    def admit(self, session_id: UUID | None) -> None:
        """Raises `RateLimited` for nobody we know, and for a session that asks too often itself."""
        if session_id is None or not self._sessions.take(str(session_id))[0]:
            # raised by: strangers, of the same address: whoever bears a token of ours has a limit of their own
            raise RateLimited(self._wait)
