"""Receipts (回执): what gateways say became of messages. Each is kept, counted when it repeats, and moves forward only.

They may come twice, in any order, before we have noted the sending ourselves, or be forged; whatever comes twice does
nothing, so that a message which was offered again is not ended by what became of an earlier attempt.
"""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel.security.crypto import Seals
from kernel.security.scope import apply_system
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import metrics
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus
from mobile_contracts.messaging.suppression import SuppressionReason
from notifications.broadcast import bounces
from notifications.consent import suppression
from notifications.gateway.known import HOUSE, Gateways
from notifications.gateway.meaning import PERMANENT

RANK = {"sent": 4, "expired": 5, "undelivered": 5, "failed": 5, "delivered": 6}
"""States by rank: queued 1, sending 2, unknown 3. Only a higher one moves a message."""

_STATES = {"accepted": "sent", "rejected": "failed"}
_STATUS = re.compile(r"(?<![\d.])\d\.\d{1,3}\.\d{1,3}(?![\d.])")

_COMPLAINT = "COMPLAINT"
UNSENDABLE, UNREADABLE = "UNSENDABLE", "UNREADABLE"
"""What we say ourselves of messages that cannot be made, or whose seal does not open."""

Problem = Literal["unknown_id", "unknown_gateway", "other_gateway"]
"""Why something is not believed, and only kept."""


class Kept(Struct, frozen=True):
    """A receipt as it was kept."""

    id: UUID
    gateway: str
    gateway_id: str
    status: ReceiptStatus
    code: str
    at: datetime


_sql = load(Path(__file__).with_name("receipt.sql"), Kept)


class Outcome(Struct, frozen=True):
    """What became of one item: taken, or why it was not believed."""

    ok: bool
    code: Problem | Literal[""] = ""


async def apply(
    tx: Tx, items: Sequence[Receipt | Kept], gateways: Gateways, seals: Seals, forged: Collection[int] = ()
) -> list[Outcome]:
    """Keeps every receipt and moves the messages of those that are news.

    Only `gateways` are believed, about messages that went to them, and none of the places in `forged`: nobody vouches
    for their coming from the gateway that they name. Sees every row for the rest of the transaction.
    """
    if not items:
        return []
    await apply_system(tx, "receipts", kind="company")
    rows = await _sql.keep(
        tx, ids=[one.id for one in items], gateways=[one.gateway for one in items],
        channels=[",".join(gateways.get(one.gateway, ())) for one in items],
        gateway_ids=[one.gateway_id for one in items], statuses=[one.status for one in items],
        codes=[one.code for one in items], ats=[one.at for one in items],
        problems=[problem(one.gateway, gateways, forged=place in forged) for place, one in enumerate(items)],
    )  # fmt: skip
    news = [item for item, row in zip(items, rows, strict=True) if row["verdict"] is None and row["fresh"]]
    suspect = await bounces.note(tx, [(one.id, bounces.for_good(one.status, one.code)) for one in news])
    await _advance(tx, news)
    await suppression.add(tx, seals, [(one.id, reason) for one in news if (reason := _silences(one)) is not None])
    await bounces.stop(tx, suspect)
    for row in rows:
        metrics.RECEIPTS.labels(row["verdict"] or ("new" if row["fresh"] else "repeated")).inc()
    return [Outcome(row["verdict"] is None, row["verdict"] or "") for row in rows]


async def refuse(tx: Tx, seals: Seals, channel: str, ids: Collection[UUID], code: str) -> None:
    """Ends messages that nobody can send, by a receipt of our own; sees every row for the rest of the transaction."""
    now = datetime.now(UTC)
    told = [
        Receipt(id=one, gateway=HOUSE, gateway_id=str(one), status="rejected", code=code, at=now) for one in sorted(ids)
    ]
    await apply(tx, told, {HOUSE: frozenset((channel,))}, seals)


async def list_named(tx: Tx, gateways: Gateways, but: Sequence[UUID], size: int) -> list[UUID]:
    """Some messages, none of `but`, of which receipts were kept before their gateway was named."""
    await apply_system(tx, "receipts", kind="company")
    return [row[0] for row in await _sql.list_named(tx, gateways=list(gateways), but=but, size=size)]


async def apply_named(tx: Tx, gateways: Gateways, seals: Seals, ids: Sequence[UUID]) -> int:
    """Applies what was kept of these messages before its gateway was named, and gives the number of receipts."""
    await apply_system(tx, "receipts", kind="company")
    kept: list[Kept] = await _sql.of_named(tx, gateways=list(gateways), ids=ids)
    await apply(tx, kept, gateways, seals)
    return len(kept)


def problem(gateway: str, gateways: Gateways, *, forged: bool, of: str = "") -> Problem | None:
    """Why a gateway is not believed, whatever it says, of the channel where one is named."""
    if forged:
        return "other_gateway"
    if gateway not in gateways:
        return "unknown_gateway"
    return "other_gateway" if of and of not in gateways[gateway] else None


async def _advance(tx: Tx, news: Sequence[Receipt | Kept]) -> None:
    """Moves messages to the best that is said of them."""
    best: dict[UUID, tuple[str, str]] = {}
    for one in news:
        state = _STATES.get(one.status, one.status)
        if one.id not in best or RANK[state] > RANK[best[one.id][0]]:
            best[one.id] = (state, one.code)
    if not best:
        return
    ids = sorted(best)
    if expired := [id_ for id_ in ids if best[id_][0] == "expired"]:
        await _sql.hold_broadcasts(tx, ids=expired)  # before the messages, as whoever silences a broadcast does
    await _sql.hold(tx, ids=ids)  # in a statement of its own: one that waits and joins forgot rows of partitions
    moved = await _sql.advance(tx, ids=ids, states=[best[id_][0] for id_ in ids], codes=[best[id_][1] for id_ in ids])
    if expired := [row["id"] for row in moved if row["state"] == "expired"]:
        await _sql.queue_again(tx, ids=expired)


def _silences(receipt: Receipt | Kept) -> SuppressionReason | None:
    """Why nothing more goes to this address, null when it may."""
    if receipt.code.upper() == _COMPLAINT:
        return "complaint"
    failed = receipt.status in ("undelivered", "rejected")
    return "hard_bounce" if failed and PERMANENT & set(_STATUS.findall(receipt.code)) else None
