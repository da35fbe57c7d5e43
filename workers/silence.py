"""Messages whose last receipt never came, found when their time is long over."""

from kernel import logs
from kernel.database import Database
from kernel.settings import Settings
from notifications import silence

_SECONDS = 60.0
_log = logs.logger(__name__)


class Silence:
    """Settles one batch after another; any number may run."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings

    async def turn(self) -> float:
        """One batch; gives the seconds to wait."""
        async with self._database.transaction() as tx:
            found, silent = await silence.settle(tx, self._settings)
        if silent:
            _log.warning("no receipt came for messages that were sent", messages=silent)
        return 0.0 if found else _SECONDS
