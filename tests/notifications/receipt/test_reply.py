"""A reply ends what it says it ends, for everybody with that number, and is kept where nobody can read it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kernel.security.crypto import Place
from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Inbound
from notifications.consent import consent
from notifications.consent.consent import Word
from notifications.gateway.known import Gateways
from notifications.receipt import reply as inbound
from notifications.receipt.receipt import Outcome
from tests.notifications.house import KNOWN, House

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
NUMBER = House.number(1)


def reply(text: str, gateway_id: str = "1", at: datetime = NOON, gateway: str = "g", number: str = NUMBER) -> Inbound:
    """What somebody writes."""
    return Inbound(gateway=gateway, gateway_id=gateway_id, from_number=number, to="10690000", text=text, at=at)


async def refused(tx: Tx, customer: int) -> set[str]:
    """The purposes that a customer wants no SMS of."""
    return {one.purpose for one in await consent.list_of(tx, customer) if not one.allowed and one.ended_at is None}


async def test_t_ends_marketing_and_a_second_one_within_a_day_service_too(tx: Tx, house: House) -> None:
    anna, twin = await house.customer(mobile=NUMBER), await house.customer(mobile=NUMBER)
    promotion = await house.queued(template="care", customers=[anna])
    await inbound.apply(tx, [reply("T")], KNOWN, house)
    assert await refused(tx, anna) == await refused(tx, twin) == {"marketing"}
    await inbound.apply(tx, [reply("T")], KNOWN, house)
    assert await refused(tx, anna) == {"marketing"}, "the same reply again is no second one"
    assert await house.states(promotion) == {"queued": 1}
    await inbound.apply(tx, [reply("td", "2", NOON + timedelta(hours=23))], KNOWN, house)
    assert await refused(tx, anna) == {"marketing", "service"}
    assert await house.states(promotion) == {"skipped": 1}


async def test_a_second_one_after_more_than_a_day_is_a_first_one(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    await inbound.apply(tx, [reply("T"), reply("T", "2", NOON + timedelta(hours=25))], KNOWN, house)
    assert await refused(tx, anna) == {"marketing"}


async def test_tds_ends_both_and_is_proven_by_the_reply(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    await inbound.apply(tx, [reply("TDS")], KNOWN, house)
    assert await refused(tx, anna) == {"marketing", "service"}
    word = (await consent.list_of(tx, anna))[0]
    assert (word.source, word.evidence) == ("reply", f"reply 1 of {NOON.isoformat()}")


async def test_two_replies_under_one_id_are_two_where_number_text_or_time_differ(tx: Tx, house: House) -> None:
    anna, bob = await house.customer(mobile=NUMBER), await house.customer(mobile="+8613999990000")
    await inbound.apply(tx, [reply("谢谢"), reply("T"), reply("T", number="+8613999990000")], KNOWN, house)
    assert await refused(tx, anna) == await refused(tx, bob) == {"marketing"}
    await inbound.apply(tx, [reply("T"), reply("T", at=NOON + timedelta(hours=1))], KNOWN, house)
    assert await refused(tx, anna) == {"marketing"}, "under one id it is said again, not a second one"
    assert await tx.fetchval("select count(*) from inbound") == 4


@pytest.mark.parametrize("number", [NUMBER[3:], NUMBER[1:], NUMBER, f"00{NUMBER[1:]}"])
async def test_a_number_is_known_however_the_carrier_writes_it(tx: Tx, house: House, number: str) -> None:
    anna = await house.customer(mobile=NUMBER)
    told = {"schema": "hexad.inbound/1", "gateway": "g", "gateway_id": "1", "from": number, "to": "10690000",
            "text": "T", "at": NOON}  # fmt: skip
    await inbound.apply(tx, [msgspec.convert(told, Inbound)], KNOWN, house)
    assert await refused(tx, anna) == {"marketing"}


async def taken_now(tx: Tx, gateways: Gateways, house: House) -> int:
    """How many are taken that were kept before their gateway was named; one that is passed over is not."""
    digests = await inbound.list_named(tx, gateways, [], 10)
    assert await inbound.list_named(tx, gateways, digests, 10) == []
    return await inbound.apply_named(tx, gateways, house, digests)


async def test_replies_of_a_gateway_that_was_not_named_end_what_they_end_when_it_is(tx: Tx, house: House) -> None:
    anna, bob = await house.customer(mobile=NUMBER), await house.customer(mobile="+8613999990000")
    early = [reply("td", "1", gateway="new"), reply("T", "2", NOON + timedelta(hours=1), gateway="new"),
             reply("T", "3", gateway="new", number="+8613999990000"), reply("T", "4", gateway="evil"),
             reply("谢谢", "5", gateway="new")]  # fmt: skip
    assert {one.code for one in await inbound.apply(tx, early, KNOWN, house)} == {"unknown_gateway"}
    assert await refused(tx, anna) == set()
    yes = Word(purpose="marketing", channel="sms", allowed=True, source="investor", evidence="session", by="investor:2")
    await tx.execute("update inbound set received_at = now() - interval '1 hour'")
    await consent.give(tx, bob, yes)
    named = {**KNOWN, "new": frozenset(("sms",))}
    assert await taken_now(tx, named, house) == 4
    assert await taken_now(tx, named, house) == 0
    assert await refused(tx, anna) == {"marketing", "service"}
    assert await refused(tx, bob) == set(), "what the customer allowed since stays allowed"
    meanings = await tx.fetch("select meaning from inbound order by gateway_id")
    assert [row[0] for row in meanings] == ["opt_out", "opt_out", "opt_out", "unknown_gateway", "other"]


async def test_a_reply_that_nobody_can_read_any_more_keeps_none_of_the_others(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    await inbound.apply(tx, [reply("T", "1", gateway="new"), reply("T", "2", gateway="new")], KNOWN, house)
    await tx.execute("update inbound set sealed = '\\x00' where gateway_id = '1'")
    assert await taken_now(tx, {"new": frozenset(("sms",))}, house) == 2
    assert await refused(tx, anna) == {"marketing"}


async def test_a_gateway_of_e_mail_and_a_forged_reply_end_nothing_and_keep_no_true_one_out(
    tx: Tx, house: House
) -> None:
    anna = await house.customer(mobile=NUMBER)
    hook = {"g": frozenset(("email",))}
    assert await inbound.apply(tx, [reply("T")], hook, house) == [Outcome(ok=False, code="other_gateway")]
    assert await inbound.apply(tx, [reply("T")], KNOWN, house, forged=[0]) == [Outcome(ok=False, code="other_gateway")]
    assert await refused(tx, anna) == set()
    assert await taken_now(tx, KNOWN, house) == 0, "what is forged is never taken"
    assert await inbound.apply(tx, [reply("T")], KNOWN, house) == [Outcome(ok=True)]
    assert await refused(tx, anna) == {"marketing"}


async def test_forged_and_foreign_replies_end_nothing_and_all_is_sealed(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    outcomes = await inbound.apply(
        tx, [reply("T", gateway="evil"), reply("T", "2", number="+8613999999999"), reply("谢谢", "3")], KNOWN, house
    )
    assert [(one.ok, one.code) for one in outcomes] == [(False, "unknown_gateway"), (True, ""), (True, "")]
    assert await refused(tx, anna) == set()
    sealed = await tx.fetchval("select sealed from inbound where gateway_id = '3'")
    assert NUMBER.encode() not in sealed
    assert "谢谢" in house.fields.open(sealed, Place("inbound", "sealed", "g:3"))


WAYS = [
    "{}",
    "86{}",
    "+86{}",
    "0086{}",
    "0{}",
    "+0086{}",
    "+86 {}",
    "+86-{}",
    "86-{}",
    "(+86){}",
    "(86) {}",
    "tel:+86{}",
]


@pytest.mark.parametrize("way", WAYS)
async def test_an_opt_out_counts_however_the_carrier_writes_the_number(tx: Tx, house: House, way: str) -> None:
    anna = await house.customer(mobile=NUMBER)
    written = reply("T", number=way.format(NUMBER.removeprefix("+86")))
    read = msgspec.json.decode(msgspec.json.encode(written), type=Inbound)
    await inbound.apply(tx, [read], KNOWN, house)
    assert await refused(tx, anna) == {"marketing"}


def test_what_is_no_number_of_the_mainland_stays_as_it_came() -> None:
    written = ("10690000", "+85291234567", "0085291234567", "+852 9123-4567", "010-12345")
    kept = ["10690000", "+85291234567", "+85291234567", "+85291234567", "01012345"]
    assert [inbound.sender(one) for one in written] == kept
