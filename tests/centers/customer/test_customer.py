"""Who else looks after a customer."""

from centers.customer import customer
from kernel.calendar import days
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


async def test_a_manager_sees_who_looks_after_a_customer_and_a_broker_their_own_part(
    house: Brokerage, within: Within
) -> None:
    await house.relate("88000003", "1003", "advise", valid_to=days.today())
    async with within("1005") as (tx, scope):
        seen = await customer.list_relations(tx, scope, "88000003")
    assert {one.employee_no for one in seen} == {"1001", "1002"}
    async with within("1002") as (tx, scope):
        seen = await customer.list_relations(tx, scope, "88000003")
    assert [(one.employee_no, one.kind) for one in seen] == [("1002", "service")]
