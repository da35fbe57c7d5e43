"""Everybody in the audience becomes a message, or a skip with its reason: decided by the strictest word there is."""

import pytest

from kernel.store.database import Tx
from mobile_contracts.messaging.consent import ConsentChannel, ConsentPurpose
from mobile_contracts.messaging.template import Channel
from notifications.broadcast import broadcast, expansion
from notifications.consent import consent
from notifications.consent.consent import Word
from tests.notifications.house import House

BOTH: tuple[Channel, ...] = ("sms", "email")


async def says(
    tx: Tx, who: int, purpose: ConsentPurpose, channel: ConsentChannel, topic: str, *, allowed: bool
) -> None:
    """Somebody says a word to their broker."""
    word = Word(purpose=purpose, channel=channel, topic=topic, allowed=allowed, source="staff", evidence="call", by="s")
    await consent.give(tx, who, word)


async def test_the_first_possible_channel_is_taken_else_the_first_ones_reason_stands(tx: Tx, house: House) -> None:
    both, mail = await house.customer(), await house.customer(mobile=None)
    none, closed = await house.customer(mobile=None, email=None), await house.customer(status="closed")
    started = await house.queued(customers=[both, mail, none, closed], channels=BOTH)
    rows = await tx.fetch("select customer_id, channel, state, reason from outgoing where broadcast_id = $1", started)
    assert {tuple(row) for row in rows} == {
        (both, "sms", "queued", None), (mail, "email", "queued", None), (none, "sms", "skipped", "no_mobile"),
        (closed, "sms", "skipped", "closed"),
    }  # fmt: skip


async def test_marketing_goes_to_those_who_agreed_and_service_to_those_who_did_not_refuse(tx: Tx, house: House) -> None:
    silent, agreed, refused = [await house.customer() for _ in range(3)]
    for purpose in ("marketing", "service"):
        await says(tx, agreed, purpose, "sms", "", allowed=True)
        await says(tx, refused, purpose, "sms", "", allowed=False)
    everybody = [silent, agreed, refused]
    marketing = await house.queued(template="promotion", customers=everybody)
    service = await house.queued(template="care", customers=everybody)
    assert await house.reasons(marketing) == {"no_consent": 1, "opted_out": 1}
    assert await house.states(service) == {"queued": 2, "skipped": 1}
    pinned = await tx.fetchval(
        "select consent_id from outgoing where broadcast_id = $1 and state = 'queued'", marketing
    )
    assert await tx.fetchval("select customer_id from consent where id = $1", pinned) == agreed


@pytest.mark.parametrize(
    ("general", "topical", "other", "goes"),
    [
        (True, None, None, True), (None, True, None, True), (True, False, None, False), (False, True, None, False),
        (None, None, True, False), (True, None, False, True), (True, True, False, True),
    ],
)  # fmt: skip
async def test_the_strictest_word_wins(
    tx: Tx, house: House, general: bool | None, topical: bool | None, other: bool | None, goes: bool
) -> None:
    anna = await house.customer()
    for topic, allowed in (("", general), ("promotion", topical), ("other", other)):
        if allowed is not None:
            await says(tx, anna, "marketing", "sms", topic, allowed=allowed)
    await says(tx, anna, "marketing", "email", "", allowed=True)
    started = await house.queued(template="promotion", customers=[anna])
    assert await house.states(started) == {"queued" if goes else "skipped": 1}


async def test_a_dead_address_is_left_alone_until_there_is_another(tx: Tx, house: House) -> None:
    anna = await house.customer(email="anna@example.com")
    await tx.execute(
        "insert into suppression (customer_id, channel, address, reason, message_id)"
        " values ($1, 'email', sha256('anna@example.com'), 'hard_bounce', uuidv7())", anna,
    )  # fmt: skip
    assert await house.reasons(await house.queued(customers=[anna], channels=("email",))) == {"suppressed": 1}
    await tx.execute("update customer set email = 'ANNA@example.cn' where id = $1", anna)
    assert await house.states(await house.queued(customers=[anna], channels=("email",))) == {"queued": 1}


async def test_nobody_is_written_to_too_often(tx: Tx, house: House) -> None:
    anna, bob = await house.customer(), await house.customer()
    for _ in range(3):
        assert await house.states(await house.queued(customers=[anna])) == {"queued": 1}
    assert await house.reasons(await house.queued(customers=[anna, bob])) == {"frequency": 1}
    assert await house.states(await house.queued(template="announcement", customers=[anna])) == {"queued": 1}
    await tx.execute("update outgoing set id = uuidv7(interval '-25 hours')")
    assert await house.states(await house.queued(customers=[anna])) == {"queued": 1}, "by tomorrow it may go again"


async def test_what_was_cancelled_is_made_and_skipped(tx: Tx, house: House) -> None:
    started = await house.started(customers=[await house.customer()])
    await broadcast.change(tx, started, "cancel")
    assert await expansion.expand(tx, started) == 1
    assert await expansion.expand(tx, started) == 0
    assert await house.reasons(started) == {"cancelled": 1}
