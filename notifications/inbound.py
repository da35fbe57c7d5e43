"""Replies (上行短信): by `T`, `TD` or `退订` marketing by SMS ends for everybody with that number.

`TDS`, or a second one within a day, ends service messages too. Kept sealed, and taken once.
"""

import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from kernel import metrics
from kernel.crypto import BlindIndex, Fields, Place
from kernel.database import Tx
from kernel.scope import apply_system
from kernel.sql import load
from mobile_contracts.consent import ConsentPurpose
from mobile_contracts.outbound import Inbound
from notifications import consent
from notifications.consent import Word
from notifications.receipt import Outcome

_OPT_OUT = frozenset(("T", "TD", "退订"))
_OPT_OUT_ALL = frozenset(("TDS",))
_sql = load(Path(__file__).with_name("inbound.sql"))


class Seals(Protocol):
    """What seals and finds mobile numbers."""

    @property
    def fields(self) -> Fields: ...
    @property
    def index(self) -> BlindIndex: ...


def meaning(text: str) -> str:
    """What a reply asks for: `opt_out`, `opt_out_all` or something `other`."""
    word = unicodedata.normalize("NFKC", text).strip().upper()  # Chinese keyboards write Ｔ as well as T
    if word in _OPT_OUT_ALL:
        return "opt_out_all"
    return "opt_out" if word in _OPT_OUT else "other"


async def apply(tx: Tx, items: Sequence[Inbound], gateways: Collection[str], seals: Seals) -> list[Outcome]:
    """Keeps every reply and withdraws what it withdraws; only `gateways` are believed.

    Sees every row for the rest of the transaction.
    """
    await apply_system(tx, "inbound", kind="company")
    return [await _apply(tx, item, item.gateway in gateways, seals) for item in items]


async def _apply(tx: Tx, item: Inbound, known: bool, seals: Seals) -> Outcome:
    number = seals.index.of_normal("mobile", item.from_number)
    asked = meaning(item.text) if known else "unknown_gateway"
    place = Place("inbound", "sealed", f"{item.gateway}:{item.gateway_id}")
    text = msgspec.json.encode({"from": item.from_number, "to": item.to, "text": item.text}).decode()
    named = {"gateway": item.gateway, "gateway_id": item.gateway_id, "at": item.at, "number": number}
    if not await _sql.keep(tx, **named, sealed=seals.fields.seal(text, place), meaning=asked):
        metrics.REPLIES.labels("repeated").inc()
        return Outcome(known, "" if known else "unknown_gateway")
    metrics.REPLIES.labels(asked).inc()
    if asked in ("opt_out", "opt_out_all"):
        everything = asked == "opt_out_all" or await _sql.before(tx, **named)
        purposes: list[ConsentPurpose] = ["marketing", "service"] if everything else ["marketing"]
        for row in await _sql.people(tx, number=number):
            for purpose in purposes:
                await consent.give(tx, row["id"], _word(item, purpose))
    return Outcome(known, "" if known else "unknown_gateway")


def _word(item: Inbound, purpose: ConsentPurpose) -> Word:
    return Word(
        purpose=purpose, channel="sms", allowed=False, source="reply", by=f"gateway:{item.gateway}",
        evidence=f"reply {item.gateway_id} of {item.at.isoformat()}",
    )  # fmt: skip
