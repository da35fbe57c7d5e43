"""The reaper: gives the jobs of dead workers to living ones."""

from pathlib import Path

from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from workers.runtime.registry import awaited

_sql = load(Path(__file__).with_name("reaper.sql"))
_log = logs.logger(__name__)


class Reaper:
    """A worker that has been silent for `worker_silence` is dead; its jobs keep their number of tries."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._silence = database, settings.worker_silence

    async def turn(self) -> float:
        """Takes back once; looks again soon enough to be no later than a sixth of the silence."""
        await self.reap()
        return self._silence / 6

    async def reap(self) -> int:
        """Sends out again what dead workers held and gives the number of jobs."""
        async with self._database.transaction() as tx:
            taken: int = await _sql.take_back(tx, silence=self._silence, urgent=awaited())
        if taken:
            metrics.REAPED.inc(taken)
            _log.warning("jobs were taken back from workers that died", jobs=taken)
        return taken
