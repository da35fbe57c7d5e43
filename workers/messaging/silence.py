"""Messages whose last receipt never came, found when their time is long over."""

import contextlib
from uuid import UUID

from kernel.process.apart import Apart
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import logs
from notifications.broadcast import silence

_SECONDS = 60.0
_log = logs.logger(__name__)


class Silence:
    """Settles one batch after another; any number may run, and a broadcast that fails stands before no other."""

    def __init__(self, database: Database, settings: Settings, failing: Apart | None = None) -> None:
        self._database, self._settings, self._failing = database, settings, failing or Apart("silence")

    async def turn(self) -> float:
        """One batch; gives the seconds to wait."""
        self._failing.forget()
        but, found = [UUID(one) for one in self._failing.items], None
        with contextlib.ExitStack() as item:
            async with self._database.transaction() as tx:
                found = await silence.find(tx, self._settings, but)
                if found is not None:
                    item.enter_context(self._failing.item(str(found)))
                    if silent := await silence.settle(tx, found):
                        _log.warning("no receipt came for messages that were sent", messages=silent)
        return 0.0 if found else _SECONDS
