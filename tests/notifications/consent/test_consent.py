"""A word stands until another takes its place; withdrawn, nothing of that kind leaves any more."""

from itertools import product

import pytest
from msgspec import structs

from kernel.errors import NotFound, WithdrawnByCustomer
from kernel.store.database import Tx
from mobile_contracts.messaging.consent import ConsentChannel, ConsentPurpose
from notifications.consent import consent
from notifications.consent.consent import Word
from tests.notifications.house import House


def word(
    *, allowed: bool, purpose: ConsentPurpose = "service", channel: ConsentChannel = "sms", topic: str = ""
) -> Word:
    """A word said on the telephone."""
    return Word(
        purpose=purpose, channel=channel, allowed=allowed, topic=topic, source="staff", evidence="recorded call 7",
        by="staff:1001",
    )  # fmt: skip


async def test_a_word_is_dated_proven_and_replaced_by_the_next(tx: Tx, house: House) -> None:
    anna = await house.customer()
    await consent.give(tx, anna, word(allowed=True, purpose="marketing"))
    await consent.give(tx, anna, word(allowed=True, purpose="marketing"))
    await consent.give(tx, anna, word(allowed=False, purpose="marketing"))
    standing, before, first = await consent.list_of(tx, anna)
    assert (standing.allowed, standing.ended_at, standing.evidence) == (False, None, "recorded call 7")
    assert before.allowed
    assert before.ended_at is not None
    assert before.ended_at <= standing.at
    assert first.allowed, "what repeats what holds is a word as well"
    done = [row[0] for row in await tx.fetch("select action from audit order by id")]
    assert done == ["consent.give", "consent.give", "consent.withdraw"]


async def test_withdrawing_stops_what_waits_of_this_purpose_channel_and_topic(tx: Tx, house: House) -> None:
    anna, bob = await house.customer(), await house.customer()
    care = await house.queued(template="care", customers=[anna, bob], channels=("sms",))
    letter = await house.queued(template="care", customers=[anna], channels=("email",))
    other = await house.queued(template="announcement", customers=[anna], channels=("sms",))
    await consent.give(tx, anna, word(allowed=False, topic="care"))
    assert await house.states(care) == {"skipped": 1, "queued": 1}
    assert await house.states(letter) == {"queued": 1}
    assert await house.states(other) == {"queued": 1}
    await consent.give(tx, anna, word(allowed=False))
    assert await house.states(other) == {"skipped": 1}
    assert await house.reasons(other) == {"opted_out": 1}


def orders(kinds: int) -> list[int]:
    """A walk in which every order of three of so many kinds is taken."""
    return [one for three in product(range(kinds), repeat=3) for one in three]


async def test_staff_allows_what_the_customer_said_last_about_the_topic_and_about_all(tx: Tx, house: House) -> None:
    anna = await house.customer()
    kinds = list(product(("staff", "investor"), (False, True), ("", "care")))
    own: dict[str, bool] = {}
    for source, allowed, topic in (kinds[one] for one in orders(len(kinds))):
        said = structs.replace(word(allowed=allowed, topic=topic), source=source)
        if source == "staff" and allowed and not (own.get("", True) and own.get(topic, True)):
            with pytest.raises(WithdrawnByCustomer):
                await consent.give(tx, anna, said)
            continue
        after = await consent.give(tx, anna, said)
        assert (after.source, after.allowed, after.topic) == (source, allowed, topic)
        own |= {topic: allowed} if source != "staff" else {}


async def test_an_investor_is_found_by_number(tx: Tx, house: House) -> None:
    anna = await house.customer(no="880077")
    assert await consent.customer_id(tx, "880077") == anna
    with pytest.raises(NotFound):
        await consent.customer_id(tx, "nobody")
