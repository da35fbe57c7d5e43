"""Consent (同意): kept word by word, each dated and proven; withdrawing it stops what has not been handed over.

Whoever withdraws waits for what is being handed over just then, a fraction of a second: once it is committed, nothing
leaves any more. See `dispatch.py` for the other half of that promise.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from kernel.database import Tx
from kernel.errors import FieldError, InvalidInput, NotFound, WithdrawnByCustomer
from kernel.outbox import Record, emit
from kernel.sql import load
from mobile_contracts.consent import Consent, ConsentChannel, ConsentPurpose, ConsentSource
from mobile_contracts.event import ConsentChanged

_sql = load(Path(__file__).with_name("consent.sql"), Consent)


class Word(Struct, frozen=True, kw_only=True):
    """What somebody says: `topic` empty is every topic; `by` is the principal, `evidence` how it can be proven."""

    purpose: ConsentPurpose
    channel: ConsentChannel
    allowed: bool
    source: ConsentSource
    evidence: str
    by: str
    topic: str = ""


async def list_of(tx: Tx, customer_id: int) -> list[Consent]:
    """All that a customer ever said, what is in force first."""
    words: list[Consent] = await _sql.list(tx, customer_id=customer_id)
    return words


async def check_topic(tx: Tx, topic: str) -> None:
    """Raises `InvalidInput` for a topic that no template has."""
    if topic and not await _sql.knows_topic(tx, topic=topic):
        raise InvalidInput(errors=[FieldError("topic", "there is no such topic", "没有此主题")])


async def give(tx: Tx, customer_id: int, word: Word) -> Consent:
    """Keeps a word in place of the one before, whoever said that and also where it repeats it: who said what counts.

    Raises `WithdrawnByCustomer` when staff would allow what the customer withdrew (in the terminal, by reply
    or link), for this topic or for all, and did not allow again; whatever staff noted since.
    """
    place = {"customer_id": customer_id, "purpose": word.purpose, "channel": word.channel, "topic": word.topic}
    await _sql.lock(tx, customer_id=customer_id)
    if word.allowed and word.source == "staff" and await _sql.is_withdrawn_by_customer(tx, **place):
        raise WithdrawnByCustomer
    before: Consent | None = await _sql.standing(tx, **place)
    await _sql.end(tx, **place)
    after: Consent = await _sql.add(
        tx, **place, allowed=word.allowed, source=word.source, evidence=word.evidence, given_by=word.by
    )
    await _emit(tx, customer_id, before, after)
    if not word.allowed:  # last, so that it sees all that was queued meanwhile
        await _withdraw(tx, place)
    return after


async def customer_id(tx: Tx, customer_no: str) -> int:
    """The database id of an investor; raises `NotFound`."""
    found: int | None = await _sql.customer(tx, customer_no=customer_no)
    if found is None:
        raise NotFound
    return found


async def _withdraw(tx: Tx, place: Mapping[str, Any]) -> None:
    """Stops what waits for this person, whoever started it."""
    scope = await _sql.scope(tx)
    await _sql.set_scope(tx, kind="company")
    await _sql.withdraw(tx, **place)
    await _sql.set_scope(tx, kind=scope or "none")


async def _emit(tx: Tx, customer_id: int, before: Consent | None, after: Consent) -> None:
    customer_no: str | None = await _sql.number(tx, customer_id=customer_id)
    if customer_no is None:
        raise NotFound
    action = "consent.give" if after.allowed else "consent.withdraw"
    record = Record(action=action, noun="customer", noun_id=customer_no, before=before, after=after)
    await emit(tx, ConsentChanged(customer_no=customer_no), record)
