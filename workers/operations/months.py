"""Months of messages: made ahead of what will lie in them; those that have outlived their window are named, and kept.

Nothing waits for a month: what comes before it was made lies in the table's default partition, and is taken over then.
"""

from pathlib import Path

from kernel.schema import retention
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import logs
from mobile_contracts.event import MonthsDue
from workers.runtime.registry import handles

MOST = 100_000
"""So many rows are taken out of the default partition in passing, a second or two; more of them by `hexad migrate`."""

_sql = load(Path(__file__).with_name("months.sql"))
_log = logs.logger(__name__)


@handles(MonthsDue, name="make_months")
async def make_months(tx: Tx, event: MonthsDue) -> None:
    """Makes the months of a table that are missing, and names those that the lake will take over."""
    missing = await _sql.make(tx, table=event.table, ahead=retention.AHEAD, most=MOST)
    outlived = await _sql.outlived(tx, table=event.table, window=retention.window(event.table))
    _log.info("months", table=event.table, kept_until_the_lake_exists=outlived)
    if missing is not None:
        _log.warning("month_missing", table=event.table, month=f"{missing:%Y-%m}")
