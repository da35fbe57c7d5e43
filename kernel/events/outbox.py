"""What has happened, and who did it: both written in the transaction of the change itself."""

from pathlib import Path
from uuid import UUID

import msgspec
import uuid_utils.compat as uuid

from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import tracing
from mobile_contracts.event import Event

_sql = load(Path(__file__).with_name("outbox.sql"))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log: what was done to which thing, and how it looked before and after."""

    action: str
    noun: str
    noun_id: str
    before: msgspec.Struct | None = None
    after: msgspec.Struct | None = None
    reason: str | None = None


async def emit(tx: Tx, event: Event, audit: Record | None = None) -> UUID:
    """Writes the event, and the audit row of a write, into the transaction; gives the event's id (UUIDv7)."""
    event_id = uuid.uuid7()
    payload = msgspec.json.encode(event).decode()
    await _sql.add(
        tx, event_id=event_id, kind=event.kind(), payload=payload, trace=tracing.traceparent(),
        urgent=event.urgent or event.awaited,
    )  # fmt: skip
    if audit is not None:
        await record(tx, audit)
    return event_id


async def record(tx: Tx, audit: Record) -> None:
    """Writes one audit row; who, device and request come from the scope set on the transaction."""
    await _sql.record(
        tx,
        action=audit.action,
        noun=audit.noun,
        noun_id=audit.noun_id,
        before=_json(audit.before),
        after=_json(audit.after),
        reason=audit.reason and audit.reason.strip(),
    )


def _json(state: msgspec.Struct | None) -> str | None:
    return None if state is None else msgspec.json.encode(state).decode()
