"""A reply ends what it says it ends, for everybody with that number, and is kept where nobody can read it."""

from datetime import UTC, datetime, timedelta

import pytest

from kernel.crypto import Place
from kernel.database import Tx
from mobile_contracts.outbound import Inbound
from notifications import consent, inbound
from notifications.inbound import meaning
from tests.notifications.house import House

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
NUMBER = House.number(1)


def reply(text: str, gateway_id: str = "1", at: datetime = NOON, gateway: str = "g", number: str = NUMBER) -> Inbound:
    """What somebody writes."""
    return Inbound(gateway=gateway, gateway_id=gateway_id, from_number=number, to="10690000", text=text, at=at)


async def refused(tx: Tx, customer: int) -> set[str]:
    """The purposes that a customer wants no SMS of."""
    return {one.purpose for one in await consent.list_of(tx, customer) if not one.allowed and one.ended_at is None}


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("T", "opt_out"), (" t\n", "opt_out"), ("td", "opt_out"), ("退订", "opt_out"), ("TDS", "opt_out_all"),
        ("\uff34", "opt_out"), (" \uff54\uff44\u3000", "opt_out"), ("\uff34\uff24\uff33", "opt_out_all"),
        ("TT", "other"), ("谢谢", "other"), ("", "other"),
    ],
)  # fmt: skip
def test_what_a_reply_asks_for(text: str, asks: str) -> None:
    assert meaning(text) == asks


async def test_t_ends_marketing_and_a_second_one_within_a_day_service_too(tx: Tx, house: House) -> None:
    anna, twin = await house.customer(mobile=NUMBER), await house.customer(mobile=NUMBER)
    promotion = await house.queued(template="care", customers=[anna])
    await inbound.apply(tx, [reply("T")], {"g"}, house)
    assert await refused(tx, anna) == await refused(tx, twin) == {"marketing"}
    await inbound.apply(tx, [reply("T")], {"g"}, house)
    assert await refused(tx, anna) == {"marketing"}, "the same reply again is no second one"
    assert await house.states(promotion) == {"queued": 1}
    await inbound.apply(tx, [reply("td", "2", NOON + timedelta(hours=23))], {"g"}, house)
    assert await refused(tx, anna) == {"marketing", "service"}
    assert await house.states(promotion) == {"skipped": 1}


async def test_a_second_one_after_more_than_a_day_is_a_first_one(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    await inbound.apply(tx, [reply("T"), reply("T", "2", NOON + timedelta(hours=25))], {"g"}, house)
    assert await refused(tx, anna) == {"marketing"}


async def test_tds_ends_both_and_is_proven_by_the_reply(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    await inbound.apply(tx, [reply("TDS")], {"g"}, house)
    assert await refused(tx, anna) == {"marketing", "service"}
    word = (await consent.list_of(tx, anna))[0]
    assert (word.source, word.evidence) == ("reply", f"reply 1 of {NOON.isoformat()}")


async def test_forged_and_foreign_replies_end_nothing_and_all_is_sealed(tx: Tx, house: House) -> None:
    anna = await house.customer(mobile=NUMBER)
    outcomes = await inbound.apply(
        tx, [reply("T", gateway="evil"), reply("T", "2", number="+8613999999999"), reply("谢谢", "3")], {"g"}, house
    )
    assert [(one.ok, one.code) for one in outcomes] == [(False, "unknown_gateway"), (True, ""), (True, "")]
    assert await refused(tx, anna) == set()
    sealed = await tx.fetchval("select sealed from inbound where gateway_id = '3'")
    assert NUMBER.encode() not in sealed
    assert "谢谢" in house.fields.open(sealed, Place("inbound", "sealed", "g:3"))
