"""Housekeeping: deletes what has outlived its purpose, in chunks, so that no statement and no run takes long.

Each table is a job of its own, so that one that fails stops no other, and is taken up again at once until nothing is
left: it keeps up with whatever a day brings.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kernel import logs
from kernel.database import Tx
from kernel.outbox import emit
from kernel.scope import apply_system
from kernel.sql import load
from mobile_contracts.event import HousekeepingDue, OutlivedDue
from workers.registry import handles

CHUNK = 5000
RUN_SECONDS = 10.0
"""What a run may take; it ends with the chunk in hand, and another goes on."""

_sql = load(Path(__file__).with_name("housekeeping.sql"))
_log = logs.logger(__name__)
OUTLIVED: dict[str, Callable[..., Awaitable[Any]]] = {
    "idempotency": _sql.forget_answers,
    "job": _sql.forget_jobs,
    "schedule_run": _sql.forget_runs,
    "probe": _sql.forget_probes,
    "worker": _sql.forget_workers,
    "session": _sql.forget_sessions,
    "one_time_code": _sql.forget_codes,
    "refresh_token": _sql.forget_refresh_tokens,
    "oidc_request": _sql.forget_oidc_requests,
    "sign_in_attempt": _sql.forget_attempts,
}
"""By table, what deletes a chunk of what it keeps no longer; its query says how long that is."""


@handles(HousekeepingDue)
async def keep_house(tx: Tx, event: HousekeepingDue) -> None:
    """Begins with every table."""
    for table in OUTLIVED:
        await emit(tx, OutlivedDue(table=table))


@handles(OutlivedDue)
async def forget_outlived(tx: Tx, event: OutlivedDue) -> None:
    """Deletes what a table keeps no longer, and goes on in another run when that is much."""
    await apply_system(tx, "keep_house")
    forget, until = OUTLIVED[event.table], time.monotonic() + RUN_SECONDS
    deleted = count = await forget(tx, size=CHUNK)
    while count == CHUNK and time.monotonic() < until:
        count = await forget(tx, size=CHUNK)
        deleted += count
    if count == CHUNK:
        await emit(tx, event)
    _log.info("housekeeping", table=event.table, deleted=deleted)
