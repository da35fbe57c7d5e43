"""A word stands until another takes its place; withdrawn, nothing of that kind leaves any more."""

import pytest

from kernel.database import Tx
from kernel.errors import NotFound
from mobile_contracts.consent import ConsentChannel, ConsentPurpose
from notifications import consent
from notifications.consent import Word
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
    standing, before = await consent.list_of(tx, anna)
    assert (standing.allowed, standing.ended_at, standing.evidence) == (False, None, "recorded call 7")
    assert before.allowed
    assert before.ended_at is not None
    assert before.ended_at <= standing.at
    done = [row[0] for row in await tx.fetch("select action from audit order by id")]
    assert done == ["consent.give", "consent.withdraw"], "the same again changes nothing"


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


async def test_an_investor_is_found_by_number(tx: Tx, house: House) -> None:
    anna = await house.customer(no="880077")
    assert await consent.customer_id(tx, "880077") == anna
    with pytest.raises(NotFound):
        await consent.customer_id(tx, "nobody")
