"""What waits, measured by whoever lives: where it cannot be measured, the figure is absent, never zero or old."""

from pathlib import Path
from typing import Literal

from kernel.audit import seal
from kernel.schema import retention
from kernel.store.database import Database
from kernel.store.sql import load
from kernel.telemetry import metrics

_SECONDS = 5.0
_MEASURED = (metrics.OUTBOX_BACKLOG, metrics.OUTBOX_AGE, metrics.JOBS_SET_ASIDE, metrics.MONTHS_MISSING)
_sql = load(Path(__file__).with_name("measure.sql"))


class Measure:
    """Sets the gauges of outbox, jobs and months, and in beat that of the seals, in the name of this process."""

    def __init__(self, database: Database, by: Literal["relay", "beat"]) -> None:
        self._database, self._by = database, by

    async def turn(self) -> float:
        """Measures once and gives the seconds to wait; what could not be measured is not told."""
        try:
            async with self._database.connection() as connection:
                row = await _sql.backlog(connection, tables=retention.in_months())
                lag = await seal.lag(connection)
        except Exception:
            for gauge in _MEASURED:
                gauge.clear()
            if self._by == "beat":
                metrics.SEAL_LAG.clear()
            raise
        metrics.OUTBOX_BACKLOG.labels(self._by).set(row["due"])
        metrics.OUTBOX_AGE.labels(self._by).set(row["oldest"])
        metrics.JOBS_SET_ASIDE.labels(self._by).set(row["set_aside"])
        metrics.MONTHS_MISSING.labels(self._by).set(row["months_missing"])
        if self._by == "beat":  # the relay tells its own, which knows of the anchor too
            metrics.SEAL_LAG.labels(self._by).set(lag)
        return _SECONDS
