"""Receipts (回执): what gateways say became of messages. Each is kept, counted when it repeats, and moves forward only.

They may come twice, in any order, before we have noted the sending ourselves, or be forged; whatever comes twice does
nothing, so that a message which was offered again is not ended by what became of an earlier attempt.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel import metrics
from kernel.database import Tx
from kernel.scope import apply_system
from kernel.sql import load
from mobile_contracts.outbound import Receipt

RANK = {"sent": 4, "expired": 5, "undelivered": 5, "failed": 5, "delivered": 6}
"""States by rank: queued 1, sending 2, unknown 3. Only a higher one moves a message."""

_STATES = {"accepted": "sent", "rejected": "failed"}
_PERMANENT = re.compile(r"(?:^|\D)5\.1\.\d")
"""The enhanced status of mail for an address that does not exist (RFC 3463)."""

_COMPLAINT = "COMPLAINT"
_sql = load(Path(__file__).with_name("receipt.sql"))


class Outcome(Struct, frozen=True):
    """What became of one item: taken, or why it was not believed."""

    ok: bool
    code: Literal["", "unknown_id", "unknown_gateway"] = ""


async def apply(tx: Tx, items: Sequence[Receipt], gateways: Collection[str]) -> list[Outcome]:
    """Keeps every receipt and moves the messages of those that are news; only `gateways` are believed.

    Sees every row for the rest of the transaction.
    """
    if not items:
        return []
    await apply_system(tx, "receipts", kind="company")
    problems = [None if one.gateway in gateways else "unknown_gateway" for one in items]
    rows = await _sql.keep(
        tx, ids=[one.id for one in items], gateways=[one.gateway for one in items],
        gateway_ids=[one.gateway_id for one in items], statuses=[one.status for one in items],
        codes=[one.code for one in items], ats=[one.at for one in items], problems=problems,
    )  # fmt: skip
    news = [item for item, row in zip(items, rows, strict=True) if row["verdict"] is None and row["fresh"]]
    await _advance(tx, news)
    for row in rows:
        metrics.RECEIPTS.labels(row["verdict"] or ("new" if row["fresh"] else "repeated")).inc()
    return [Outcome(row["verdict"] is None, row["verdict"] or "") for row in rows]


async def _advance(tx: Tx, news: Sequence[Receipt]) -> None:
    """Moves messages to the best that is said of them."""
    best: dict[UUID, tuple[str, str]] = {}
    for one in news:
        state = _STATES.get(one.status, one.status)
        if one.id not in best or RANK[state] > RANK[best[one.id][0]]:
            best[one.id] = (state, one.code)
    if not best:
        return
    ids = sorted(best)
    moved = await _sql.advance(tx, ids=ids, states=[best[id_][0] for id_ in ids], codes=[best[id_][1] for id_ in ids])
    if expired := [row["id"] for row in moved if row["state"] == "expired"]:
        await _sql.queue_again(tx, ids=expired)
    if silenced := [one for one in news if _silences(one)]:
        reasons = [_silences(one) for one in silenced]
        await _sql.suppress(tx, ids=[one.id for one in silenced], reasons=reasons)


def _silences(receipt: Receipt) -> str | None:
    """Why nothing more goes to this address, null when it may."""
    if receipt.code.upper() == _COMPLAINT:
        return "complaint"
    failed = receipt.status in ("undelivered", "rejected")
    return "hard_bounce" if failed and _PERMANENT.search(receipt.code) else None
