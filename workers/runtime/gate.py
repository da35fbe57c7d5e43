"""The gate before every process: it begins once `hexad migrate` has made the schema of this version."""

import asyncio
import contextlib
import signal
from collections.abc import Callable

import asyncpg

from kernel.errors import Unavailable
from kernel.schema.migrate import applied, migrations
from kernel.settings import Settings
from kernel.store.lineage import Lineage, connect
from kernel.telemetry import logs
from workers.runtime.job import DATABASE_AWAY

_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_NOT_YET = "the schema is not there yet: run `hexad migrate`"
_log = logs.logger(__name__)


class Gate:
    """Waits for the schema; why it waits is logged once and is `problem`, null when the process may work."""

    def __init__(self, settings: Settings) -> None:
        self._url, self._wanted, self._lineage = settings.database_url, len(migrations()), Lineage(settings)
        self.problem: str | None = "nobody has looked for it yet"

    @property
    def instance(self) -> str:
        """Of which database the process is, empty before it was met."""
        return self._lineage.instance

    async def passed(self, turned: Callable[[], None]) -> bool:
        """True once the schema is there, false when a signal asks to stop before; `turned` is called at every look.

        Raises `Misconfigured` when the database was sealed with other keys than ours.
        """
        stopping, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        while not stopping.is_set():
            turned()
            found = await self._look()
            if found and found != self.problem:
                _log.warning(found)
            self.problem = found
            if found is None:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stopping.wait()
        return False

    async def _look(self) -> str | None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                connection = await connect(self._url)
                try:
                    if await applied(connection) < self._wanted:
                        return _NOT_YET
                    await self._lineage.meet(connection)
                    return None
                finally:
                    await connection.close(timeout=1)
        except asyncpg.InsufficientPrivilegeError:
            return _NOT_YET  # the tables are there, the rights are the migration's last step
        except Unavailable as error:
            return error.detail
        except DATABASE_AWAY as error:
            return f"PostgreSQL does not answer: {type(error).__name__}"
