"""A message about a product goes to whom it suits, by the very rule of the product centre, and the decision is kept."""

from datetime import date, timedelta
from itertools import product as combinations

import pytest

from centers.product.suitability_rules import Standing, judged
from kernel.calendar.days import today
from kernel.store.database import Tx
from notifications.broadcast import suitable
from tests.notifications.house import House

ASSESSED = {"never": None, "valid": today() - timedelta(days=10), "over": date(2020, 1, 1)}


@pytest.mark.parametrize(("status", "on"), [("on", True), ("off", False)])
async def test_a_batch_is_judged_as_the_rule_judges_one(tx: Tx, house: House, status: str, on: bool) -> None:
    await house.product("P1", risk_level=3, status=status)
    cases, people = list(combinations(("normal", "dormant", "frozen", "closed"), ASSESSED, (2, 3))), []
    for customer_status, assessed, level in cases:
        people.append(await house.customer(status=customer_status, assessed_on=ASSESSED[assessed]))
        await tx.execute("update customer set risk_level = $2 where id = $1", people[-1], level)
    sent = await house.queued(template="care", customers=people)
    rows = await tx.fetch("select id, customer_id from outgoing where broadcast_id = $1", sent)
    reasons = await suitable._decided(tx, "P1", [row["id"] for row in rows])
    for customer, (customer_status, assessed, level) in zip(people, cases, strict=True):
        row = await tx.fetchrow("select at, risk_level, expires_on from standing where customer_id = $1", customer)
        assert row is not None
        active = customer_status in ("normal", "dormant")
        bears = Standing(
            customer_id=customer, active=active, assessed_at=row["at"], level=row["risk_level"],
            expires_on=row["expires_on"],
        )  # fmt: skip
        assert reasons[customer] == judged(bears, 3, on=on, today=today()), (customer_status, assessed, level)
    assert await tx.fetchval("select count(*) from suitability where purpose = 'message'") == len(people)


async def test_an_unknown_product_suits_nobody(tx: Tx, house: House) -> None:
    sent = await house.queued(customers=[anna := await house.customer()])
    message = await tx.fetchval("select id from outgoing where broadcast_id = $1", sent)
    assert await suitable.refused(tx, "nothing", {message: anna}) == {message: "product_withdrawn"}
