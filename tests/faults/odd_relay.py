"""A relay that misbehaves on purpose.

python -m tests.faults.odd_relay relay: it dies, kill -9, after the first hand-over, before that is recorded.
TEST_CLOCK=HH:MM:SS: its sender's clock shows that time of day in Beijing when it starts.
"""

import datetime
import os
import signal
from typing import Any

from kernel.calendar import BEIJING
from kernel.settings import current
from notifications import dispatch
from workers import outbound, run


class _Deadly:
    """The statements of the hand-over, the last of which nobody survives."""

    def __init__(self, statements: Any) -> None:
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statements, name)

    async def record(self, *_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def shifted(shows: str) -> type[datetime.datetime]:
    """A clock that goes on from this time of day."""
    now = datetime.datetime.now(BEIJING)
    shift = datetime.datetime.combine(now.date(), datetime.time.fromisoformat(shows), BEIJING) - now

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return datetime.datetime.now(tz) + shift

    return Shifted


if __name__ == "__main__":
    if shows := os.environ.get("TEST_CLOCK", ""):
        dispatch.datetime = outbound.datetime = shifted(shows)  # type: ignore[attr-defined]
    else:
        dispatch._sql = _Deadly(dispatch._sql)
    run.relay(current())
