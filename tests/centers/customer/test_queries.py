"""The figures of one's own customers, and who else looks after them."""

from datetime import timedelta
from decimal import Decimal

from centers.customer import queries
from kernel import calendar
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


async def test_home_counts_own_customers_however_far_one_reaches(house: Brokerage, within: Within) -> None:
    today = calendar.today()
    await house.customer("88000011", "b1", assets="1000", brokers=["1001"], opened_on=today, status="dormant")
    await house.customer("88000012", "b1", assets="1000", brokers=["1001"], status="closed")
    await house.relate("88000011", "1001", "develop")
    await house.execute("update customer set birthday = $1 where customer_no = '88000001'", today.replace(year=1980))
    soon = (today + timedelta(days=6)).replace(year=1984)
    await house.execute("update customer set birthday = $1 where customer_no = '88000002'", soon)
    await house.execute("update customer set risk_assessed_on = $1 where customer_no = '88000003'", today)
    async with within("1001") as (tx, scope):
        home = await queries.home(tx, scope)
    assert (home.customers, home.assets) == (4, Decimal("2700.00"))
    assert (home.opened_this_month, home.dormant, home.birthdays, home.risk_to_assess) == (1, 1, 2, 3)
    async with within("1008") as (tx, scope):
        assert (await queries.home(tx, scope)).customers == 0


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
