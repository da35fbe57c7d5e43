"""Consent (同意): kept word by word, each dated and proven; withdrawing it stops what has not been handed over.

Whoever withdraws waits for what is being handed over just then, a fraction of a second: once it is committed, nothing
leaves any more. See `dispatch.py` for the other half of that promise.
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from kernel.errors import FieldError, InvalidInput, NotFound, WithdrawnByCustomer
from kernel.events.outbox import Record, emit
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import ConsentChanged
from mobile_contracts.messaging.consent import Consent, ConsentChannel, ConsentPurpose, ConsentSource

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
    (after,) = await give_all(tx, [(customer_id, word)])
    return after


async def give_all(tx: Tx, words: Sequence[tuple[int, Word]]) -> list[Consent]:
    """The same for several words at once, each with its customer; all that was withdrawn is stopped together, last.

    Whoever withdraws says so before anything else, then takes people and messages in the order of their ids.
    """
    if any(not word.allowed for _, word in words):
        await _sql.announce_withdrawal(tx)
    for customer_id in sorted({customer_id for customer_id, _ in words}):
        await _sql.lock(tx, customer_id=customer_id)
    kept = [await _keep(tx, customer_id, word) for customer_id, word in words]
    if withdrawn := [(customer_id, word) for customer_id, word in words if not word.allowed]:
        await _withdraw(tx, withdrawn)
    return kept


async def wait_for_withdrawals(tx: Tx) -> None:
    """Returns when everybody who withdraws just now has committed; nobody else begins to before the transaction ends.

    Whoever looks at consent after this sees the words of all who could not see what is looked at.
    """
    await _sql.wait_for_withdrawals(tx)


async def _keep(tx: Tx, customer_id: int, word: Word) -> Consent:
    place = {"customer_id": customer_id, "purpose": word.purpose, "channel": word.channel, "topic": word.topic}
    if word.allowed and word.source == "staff" and await _sql.is_withdrawn_by_customer(tx, **place):
        raise WithdrawnByCustomer
    before: Consent | None = await _sql.standing(tx, **place)
    await _sql.end(tx, **place)
    after: Consent = await _sql.add(
        tx, **place, allowed=word.allowed, source=word.source, evidence=word.evidence, given_by=word.by
    )
    await _emit(tx, customer_id, before, after)
    return after


async def customer_id(tx: Tx, customer_no: str) -> int:
    """The database id of an investor; raises `NotFound`."""
    found: int | None = await _sql.customer(tx, customer_no=customer_no)
    if found is None:
        raise NotFound
    return found


async def _withdraw(tx: Tx, withdrawn: Sequence[tuple[int, Word]]) -> None:
    """Stops what waits for these people, whoever started it."""
    scope = await _sql.scope(tx)
    await _sql.set_scope(tx, kind="company")
    rows = await _sql.list_withdrawn(
        tx, customer_ids=[customer_id for customer_id, _ in withdrawn], topics=[word.topic for _, word in withdrawn],
        purposes=[word.purpose for _, word in withdrawn], channels=[word.channel for _, word in withdrawn],
    )  # fmt: skip
    if ids := [row[0] for row in rows]:
        await _sql.hold_messages(tx, ids=ids)
        await _sql.withdraw(tx, ids=ids)
    await _sql.set_scope(tx, kind=scope or "none")


async def _emit(tx: Tx, customer_id: int, before: Consent | None, after: Consent) -> None:
    customer_no: str | None = await _sql.number(tx, customer_id=customer_id)
    if customer_no is None:
        raise NotFound
    action = "consent.give" if after.allowed else "consent.withdraw"
    record = Record(action=action, noun="customer", noun_id=customer_no, before=before, after=after)
    await emit(tx, ConsentChanged(customer_no=customer_no), record)
