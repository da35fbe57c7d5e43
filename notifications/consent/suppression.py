"""Suppressions (停发): nothing more goes to an address that reaches nobody, or whose owner complained.

It is always the address that the message went to, as it was sealed when it left, whatever the customer has today. Staff
list them and lift them, for an address may work again.
"""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed, NotFound
from kernel.events.outbox import Record, record
from kernel.queues.client import UNREADABLE
from kernel.security.crypto import Place, Seals
from kernel.store.cursor import Cursor
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import logs
from mobile_contracts.messaging.outbound import Email, Sms
from mobile_contracts.messaging.suppression import Suppression, SuppressionReason


class WentTo(Struct, frozen=True):
    """A message and what was handed over of it, sealed."""

    id: UUID
    customer_id: int
    channel: str
    content: bytes


class SuppressionCursor(Cursor, frozen=True):
    """Where a list of suppressions ended, the newest first."""

    id: int = 2**63 - 1


_sql = load(Path(__file__).with_name("suppression.sql"), WentTo, Suppression)
_log = logs.logger(__name__)


async def add(tx: Tx, seals: Seals, reasons: Collection[tuple[UUID, SuppressionReason]]) -> None:
    """Nothing more goes where these messages went, for every reason that is said of one.

    One whose content cannot be read any more is left out.
    """
    if not reasons:
        return
    sent: list[WentTo] = await _sql.went_to(tx, ids=[id_ for id_, _ in reasons])
    went = {one.id: (one, message) for one in sent if (message := _message(seals, one)) is not None}
    read = [(*went[id_], reason) for id_, reason in reasons if id_ in went]
    await _sql.add(
        tx, customer_ids=[one.customer_id for one, _, _ in read], channels=[one.channel for one, _, _ in read],
        numbers=[seals.index.of_normal("mobile", told.to) if isinstance(told, Sms) else None for _, told, _ in read],
        emails=[None if isinstance(told, Sms) else told.to for _, told, _ in read],
        reasons=[reason for _, _, reason in read], message_ids=[one.id for one, _, _ in read],
    )  # fmt: skip


async def list_some(tx: Tx, customer_no: str | None, after: SuppressionCursor, size: int) -> list[Suppression]:
    """Those of customers in scope, or of one of them, the newest first."""
    found: list[Suppression] = await _sql.list(tx, customer_no=customer_no, before=after.id, size=size)
    return found


async def lift(tx: Tx, customer_no: str, suppression_id: int, reason: str) -> None:
    """This reason is none any more, until it comes again; others of the same address stay. Raises `NotFound`."""
    before: Suppression | None = await _sql.find(tx, customer_no=customer_no, suppression_id=suppression_id)
    if before is None:
        raise NotFound
    await _sql.lift(tx, suppression_id=suppression_id)
    told = Record(action="suppression.lift", noun="customer", noun_id=customer_no, before=before, reason=reason)
    await record(tx, told)


def _message(seals: Seals, one: WentTo) -> Sms | Email | None:
    try:
        text = seals.fields.open(one.content, Place("outgoing", "content", str(one.id)))
        return msgspec.json.decode(text, type=Sms | Email)
    except (FieldSealed, *UNREADABLE):
        _log.warning("a message came back, and whom it went to cannot be read any more", message=str(one.id))
        return None
