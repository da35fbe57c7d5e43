"""The probe: a round trip through outbox, relay, broker and worker, which leaves exactly one trace."""

from pathlib import Path
from uuid import UUID

import uuid_utils.compat as uuid

from kernel.events.outbox import emit
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import metrics
from mobile_contracts.event import Probed
from workers.runtime.registry import handles

_sql = load(Path(__file__).with_name("probe.sql"))


async def prepare(tx: Tx) -> Probed:
    """Makes the row of a new probe and gives the event that starts it."""
    probe_id = uuid.uuid7()
    await _sql.add(tx, id=probe_id)
    return Probed(probe_id=probe_id)


async def start(tx: Tx) -> UUID:
    """Starts a probe and gives its id; `handled` of its row becomes 1."""
    event = await prepare(tx)
    await emit(tx, event)
    return event.probe_id


@handles(Probed, name="count_probe")
async def count_probe(tx: Tx, event: Probed) -> None:
    """Counts the probe up, deliberately not idempotent: a second effect would show."""
    seconds = await _sql.count(tx, id=event.probe_id)
    if seconds is not None:
        metrics.PROBE_SECONDS.observe(seconds)
