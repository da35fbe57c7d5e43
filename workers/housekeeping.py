"""Housekeeping: deletes what has outlived its purpose, in chunks, so that no statement and no run takes long."""

from pathlib import Path

from kernel import logs
from kernel.database import Tx
from kernel.sql import load
from mobile_contracts.event import HousekeepingDue
from workers.registry import handles

_sql = load(Path(__file__).with_name("housekeeping.sql"))
_log = logs.logger(__name__)
_CHUNK = 5000
_CHUNKS_AT_MOST = 40
"""Per table and run; what is left is for the next run."""


@handles(HousekeepingDue)
async def keep_house(tx: Tx, event: HousekeepingDue) -> None:
    """Deletes answers older than a day, jobs done a week ago, runs of 90 days ago, old probes, dead workers.

    Of signing in: codes two days old (the limits count those of one day), outlived tokens, states and attempts.
    """
    for name, delete in (
        ("idempotency", _sql.forget_answers),
        ("job", _sql.forget_jobs),
        ("schedule_run", _sql.forget_runs),
        ("probe", _sql.forget_probes),
        ("worker", _sql.forget_workers),
        ("session", _sql.forget_sessions),
        ("one_time_code", _sql.forget_codes),
        ("refresh_token", _sql.forget_refresh_tokens),
        ("oidc_request", _sql.forget_oidc_requests),
        ("sign_in_attempt", _sql.forget_attempts),
    ):
        deleted = 0
        for _ in range(_CHUNKS_AT_MOST):
            count = await delete(tx, size=_CHUNK)
            deleted += count
            if count < _CHUNK:
                break
        _log.info("housekeeping", table=name, deleted=deleted)
