"""A decision stands as it was made, also when the customer is assessed anew; it is told and audited."""

import pytest

from centers.product import product, suitability
from kernel.errors import NotFound
from tests.brokerage import Brokerage
from tests.centers.product.conftest import As


async def test_a_decision_stays_as_it_was(shop: Brokerage, as_investor: As) -> None:
    async with as_investor() as (tx, who):
        before = await suitability.do_decide(tx, who, await product.find(tx, "P5"), "check")
    await shop.execute(
        "insert into assessment (customer_id, at, source, day, score, risk_level, expires_on)"
        " values ($1, now(), 'advisory', current_date, 99, 5, current_date + 100)",
        shop.customers["88000001"],
    )
    async with as_investor() as (tx, who):
        after = await suitability.do_decide(tx, who, await product.find(tx, "P5"), "check")
        rows = await tx.fetch("select reason, level from suitability order by id")
    assert [tuple(row) for row in rows] == [("risk_too_high", 3), ("suitable", 5)]
    assert (before.allowed, after.allowed) == (False, True)
    told = await shop._row("select count(*) from outbox where kind = 'SuitabilityDecided'")
    audited = await shop._row("select count(*) from audit where action = 'suitability.decide'")
    assert (told[0], audited[0]) == (2, 2)


async def test_the_sql_for_many_says_the_same_as_the_rules(shop: Brokerage, as_investor: As) -> None:
    joined = await shop._row(
        "select array_agg(p.product_code order by p.product_code) from standing s, product p"
        " where s.customer_id = $1 and s.risk_level >= p.risk_level"
        " and s.expires_on > current_date and p.status = 'on'",
        shop.customers["88000001"],
    )
    async with as_investor() as (tx, who):
        decided = [
            await suitability.do_decide(tx, who, await product.find(tx, code), "check") for code in ("P1", "P3", "P5")
        ]
    assert joined[0] == [one.product_code for one in decided if one.allowed] == ["P1", "P3"]


async def test_who_is_no_customer_has_no_standing(as_investor: As) -> None:
    async with as_investor("nobody") as (tx, who):
        with pytest.raises(NotFound):
            await suitability.standing(tx, who)
