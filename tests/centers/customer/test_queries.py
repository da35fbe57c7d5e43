"""The figures of one's own customers, and who else looks after them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from centers.customer import lists, queries
from centers.customer.lists import AssetsCursor, Filter
from kernel import calendar
from mobile_contracts.customer import Home
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


async def figures(within: Within, who: str) -> Home:
    """What somebody's home says."""
    async with within(who) as (tx, scope):
        return await queries.home(tx, scope)


async def test_home_counts_own_customers(house: Brokerage, within: Within) -> None:
    today = calendar.today()
    await house.customer("88000011", "b1", assets="1000", brokers=["1001"], opened_on=today, status="dormant")
    await house.customer("88000012", "b1", assets="1000", brokers=["1001"], status="closed")
    await house.relate("88000011", "1001", "develop")
    await house.execute("update customer set birthday = $1 where customer_no = '88000001'", today.replace(year=1980))
    soon = (today + timedelta(days=6)).replace(year=1984)
    await house.execute("update customer set birthday = $1 where customer_no = '88000002'", soon)
    await house.execute("update customer set risk_assessed_on = $1 where customer_no = '88000003'", today)
    home = await figures(within, "1001")
    assert (home.customers, home.assets) == (4, Decimal("2700.00"))
    assert (home.opened_this_month, home.dormant, home.birthdays, home.risk_to_assess) == (1, 1, 2, 3)


@pytest.mark.parametrize(
    "who", ["1001", "1002", "1003", "1004", "1005", "1006", "1007", "1008", "1009", "2001"]
)  # of each role
async def test_home_counts_whom_the_list_shows(house: Brokerage, within: Within, who: str) -> None:
    await house.customer("88000011", "b2", assets="1000", brokers=["1001", "1002"], status="dormant")
    await house.customer("88000012", "b1", assets="1000", brokers=["1001"], status="closed")
    async with within(who) as (tx, scope):
        listed = [
            one for one in await lists.by_assets(tx, scope, Filter(), AssetsCursor(), 50) if one.status != "closed"
        ]
    home = await figures(within, who)
    assert (home.customers, home.assets) == (len(listed), sum(one.assets for one in listed))
    assert home.dormant == sum(one.status == "dormant" for one in listed)


@pytest.mark.parametrize(("days", "there"), [(-1, 0), (0, 0), (1, 1)])
@pytest.mark.parametrize("who", ["1001", "1005"])
async def test_who_closes_tomorrow_is_a_customer_today(
    house: Brokerage, within: Within, who: str, days: int, there: int
) -> None:
    before = (await figures(within, who)).customers
    await house.customer("88000011", "b1", brokers=["1001"])
    closing = calendar.today() + timedelta(days=days)
    await house.execute("update customer set closed_on = $1 where customer_no = '88000011'", closing)
    assert (await figures(within, who)).customers == before + there


async def test_a_manager_sees_who_looks_after_a_customer_and_a_broker_their_own_part(
    house: Brokerage, within: Within
) -> None:
    await house.relate("88000003", "1003", "advise", valid_to=calendar.today())
    async with within("1005") as (tx, scope):
        seen = await queries.list_relations(tx, scope, "88000003")
    assert {one.employee_no for one in seen} == {"1001", "1002"}
    async with within("1002") as (tx, scope):
        seen = await queries.list_relations(tx, scope, "88000003")
    assert [(one.employee_no, one.kind) for one in seen] == [("1002", "service")]
