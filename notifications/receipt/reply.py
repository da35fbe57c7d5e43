"""Replies (上行短信): by `T`, `TD` or `退订` marketing by SMS ends for everybody with that number.

`TDS`, or a second one within a day, ends service messages too. Kept sealed, and taken once. What comes from a gateway
that is not named yet is kept too, and taken when it is.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed, InvalidInput
from kernel.security.crypto import Fields, Place, Seals
from kernel.security.scope import apply_system
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.telemetry import logs, metrics
from kernel.text.personal import mobile
from mobile_contracts.messaging.consent import ConsentPurpose
from mobile_contracts.messaging.outbound import Inbound
from notifications.consent import consent
from notifications.consent.consent import Word
from notifications.consent.opt_out import meaning
from notifications.gateway.known import Gateways
from notifications.receipt.receipt import Outcome, Problem, problem


class Kept(Struct, frozen=True):
    """A reply as it was kept."""

    gateway: str
    gateway_id: str
    at: datetime
    digest: bytes
    number: bytes
    sealed: bytes
    received_at: datetime


class _Written(Struct, frozen=True, rename={"from_number": "from"}):
    """What is sealed of a reply."""

    from_number: str
    to: str
    text: str


_NOT_DIALLED = re.compile(r"^tel:|[ ()-]")
_sql = load(Path(__file__).with_name("reply.sql"), Kept)
_log = logs.logger(__name__)


async def apply(
    tx: Tx, items: Sequence[Inbound], gateways: Gateways, seals: Seals, forged: Collection[int] = ()
) -> list[Outcome]:
    """Keeps every reply and withdraws what it withdraws.

    Only `gateways` of text messages are believed, and none of the places in `forged`: nobody vouches for their coming
    from the gateway that they name. Sees every row for the rest of the transaction.
    """
    await apply_system(tx, "inbound", kind="company")
    wrong = [problem(one.gateway, gateways, forged=place in forged, of="sms") for place, one in enumerate(items)]
    words: list[tuple[int, Word]] = []
    outcomes = [await _apply(tx, item, one, seals, words) for item, one in zip(items, wrong, strict=True)]
    await consent.give_all(tx, words)
    return outcomes


async def list_named(tx: Tx, gateways: Gateways, but: Sequence[bytes], size: int) -> list[bytes]:
    """Digests of some replies, none of `but`, that were kept before their gateway was named, the oldest first."""
    await apply_system(tx, "inbound", kind="company")
    return [row[0] for row in await _sql.list_named(tx, gateways=_of_sms(gateways), but=but, size=size)]


async def apply_named(tx: Tx, gateways: Gateways, seals: Seals, digests: Sequence[bytes]) -> int:
    """Applies replies with these digests that were kept before their gateway was named, and gives their number.

    What the customer allowed themselves since the reply came stays allowed.
    """
    await apply_system(tx, "inbound", kind="company")
    kept: list[Kept] = await _sql.of_named(tx, gateways=_of_sms(gateways), digests=digests)
    words: list[tuple[int, Word]] = []
    for one in kept:
        asked = _meant(one, seals.fields)
        await _sql.believe(
            tx, gateway=one.gateway, gateway_id=one.gateway_id, at=one.at, digest=one.digest, meaning=asked
        )
        words += await _withdrawn(tx, one, one.number, asked, one.received_at)
    await consent.give_all(tx, words)
    return len(kept)


def _of_sms(gateways: Gateways) -> list[str]:
    return [name for name, channels in gateways.items() if "sms" in channels]


def _meant(one: Kept, fields: Fields) -> str:
    """What a reply that was kept asks for; `other` where its key is gone, and nobody can read it."""
    try:
        return meaning(msgspec.json.decode(fields.open(one.sealed, _place(one)), type=_Written).text)
    except FieldSealed:
        _log.warning("a reply that was kept cannot be read", gateway=one.gateway, gateway_id=one.gateway_id)
        return "other"


def sender(number: str) -> str:
    """A number as it is looked up, however carriers write it: of the mainland in E.164, any other as it came."""
    plain = _NOT_DIALLED.sub("", number)
    try:
        return mobile(plain.lstrip("+0"))
    except InvalidInput:
        return f"+{plain[2:]}" if plain.startswith("00") else plain


async def _apply(tx: Tx, item: Inbound, wrong: Problem | None, seals: Seals, words: list[tuple[int, Word]]) -> Outcome:
    """Keeps one reply and adds what it withdraws to `words`."""
    caller = sender(item.from_number)
    number, asked = seals.index.of_normal("mobile", caller), wrong or meaning(item.text)
    text = msgspec.json.encode(_Written(item.from_number, item.to, item.text)).decode()
    fresh = await _sql.keep(
        tx, gateway=item.gateway, gateway_id=item.gateway_id, at=item.at, number=number, meaning=asked,
        digest=seals.index.of_normal("reply", msgspec.json.encode((caller, item.to, item.text)).decode()),
        sealed=seals.fields.seal(text, _place(item)),
    )  # fmt: skip
    metrics.REPLIES.labels(asked if fresh else "repeated").inc()
    if fresh and wrong is None:
        words += await _withdrawn(tx, item, number, asked)
    return Outcome(wrong is None, wrong or "")


async def _withdrawn(
    tx: Tx, item: Inbound | Kept, number: bytes, asked: str, since: datetime | None = None
) -> list[tuple[int, Word]]:
    """What a reply asks to be ended, for everybody with the number."""
    if asked not in ("opt_out", "opt_out_all"):
        return []
    everything = asked == "opt_out_all" or await _sql.before(
        tx, gateway=item.gateway, gateway_id=item.gateway_id, at=item.at, number=number
    )
    purposes: list[ConsentPurpose] = ["marketing", "service"] if everything else ["marketing"]
    return [
        (row["id"], _word(item, purpose))
        for purpose in purposes
        for row in await _sql.people(tx, number=number, purpose=purpose, since=since)
    ]


def _place(one: Inbound | Kept) -> Place:
    return Place("inbound", "sealed", f"{one.gateway}:{one.gateway_id}")


def _word(item: Inbound | Kept, purpose: ConsentPurpose) -> Word:
    return Word(
        purpose=purpose, channel="sms", allowed=False, source="reply", by=f"gateway:{item.gateway}",
        evidence=f"reply {item.gateway_id} of {item.at.isoformat()}",
    )  # fmt: skip
