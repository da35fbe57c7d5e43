"""A relay that misbehaves on purpose.

python -m tests.faults.odd_relay relay: it dies, kill -9, after the first hand-over, before that is recorded.
TEST_NIGHT=FILE: the clock that its sender goes by stands ten seconds before 22:00 in Beijing, at 22:00 once the file
is there.
"""

import os
import signal
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from kernel.calendar.days import BEIJING
from kernel.settings import current
from kernel.store import clock
from notifications.broadcast import dispatch
from workers import run


class _Deadly:
    """The statements of the hand-over, the last of which nobody survives."""

    def __init__(self, statements: Any) -> None:
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statements, name)

    async def record(self, *_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def shifted(night: Path) -> Callable[[Any], Coroutine[Any, Any, datetime]]:
    """A clock of the database that the test moves."""
    before = datetime.now(BEIJING).replace(hour=21, minute=59, second=50, microsecond=0)

    async def now(_: Any) -> datetime:
        return before + timedelta(seconds=10 if night.exists() else 0)

    return now


if __name__ == "__main__":
    if night := os.environ.get("TEST_NIGHT", ""):
        clock.now = shifted(Path(night))  # type: ignore[assignment]  # its argument has no name
    else:
        dispatch._sql = _Deadly(dispatch._sql)
    run.relay(current())
