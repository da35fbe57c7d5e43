"""Housekeeping: deletes what has outlived its purpose, in chunks, so that no statement and no run takes long.

Each table is a job of its own, so that one that fails stops no other, and is taken up again at once until nothing is
left: it keeps up with whatever a day brings. `kernel/schema/retention.py` says which tables, and how long each keeps
what.
"""

import time
from pathlib import Path

from kernel.events.outbox import emit
from kernel.schema import retention
from kernel.security.scope import apply_system
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import logs
from mobile_contracts.event import HousekeepingDue, MonthsDue, OutlivedDue
from workers.runtime.registry import handles

CHUNK = 5000
RUN_SECONDS = 10.0
"""What a run may take; it ends with the chunk in hand, and another goes on."""

_sql = load(Path(__file__).with_name("housekeeping.sql"))
_log = logs.logger(__name__)


@handles(HousekeepingDue, name="keep_house")
async def keep_house(tx: Tx, event: HousekeepingDue) -> None:
    """Begins with every table."""
    for table in retention.forgotten():
        await emit(tx, OutlivedDue(table=table))
    for table in retention.in_months():
        await emit(tx, MonthsDue(table=table))


@handles(OutlivedDue, name="forget_outlived")
async def forget_outlived(tx: Tx, event: OutlivedDue) -> None:
    """Deletes what a table keeps no longer, and goes on in another run when that is much."""
    await apply_system(tx, "keep_house", kind="company")
    forget, window = getattr(_sql, f"forget_{event.table}"), retention.window(event.table)
    until = time.monotonic() + RUN_SECONDS
    deleted = count = await forget(tx, window=window, size=CHUNK)
    while count == CHUNK and time.monotonic() < until:
        count = await forget(tx, window=window, size=CHUNK)
        deleted += count
    if count == CHUNK:
        await emit(tx, event)
    _log.info("housekeeping", table=event.table, deleted=deleted)
