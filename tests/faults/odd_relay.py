"""A relay that misbehaves on purpose.

python -m tests.faults.odd_relay relay: it dies, kill -9, after the first hand-over, before that is recorded.
TEST_NIGHT=FILE: its sender's clock stands ten seconds before 22:00 in Beijing, and at 22:00 once that file is there.
"""

import datetime
import os
import signal
from pathlib import Path
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


def shifted(night: Path) -> type[datetime.datetime]:
    """A clock that the test moves."""
    today = datetime.datetime.now(BEIJING).replace(hour=21, minute=59, second=50, microsecond=0)

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return (today + datetime.timedelta(seconds=10 if night.exists() else 0)).astimezone(tz)

    return Shifted


if __name__ == "__main__":
    if night := os.environ.get("TEST_NIGHT", ""):
        dispatch.datetime = outbound.datetime = shifted(Path(night))  # type: ignore[attr-defined]
    else:
        dispatch._sql = _Deadly(dispatch._sql)
    run.relay(current())
