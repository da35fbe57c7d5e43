"""A view goes once to each subscriber of the day, by the channel of their choice."""

from uuid import UUID

import uuid_utils.compat as uuid

from centers.product import product_view
from kernel.security.scope import apply_system
from tests.brokerage import Brokerage

_CONTRACT = """
insert into contract (contract_no, customer_id, product_code, kind, signed_on, ended_on, source, digest)
values ($1, $2, 'P3', 'advisory', current_date, current_date + $3::integer, 'advisory', '')"""
_VIEW = """
insert into product_view (id, product_code, employee_id, title, body)
select $1, 'P3', id, 'T', 'B' from employee where employee_no = '2001'"""


async def chosen(shop: Brokerage, view_id: UUID) -> dict[str, list[int]] | None:
    async with shop.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        found = await product_view.choose_readers(tx, view_id)
    return None if found is None else {str(channel): customers for channel, customers in found[1].items()}


async def test_each_subscriber_is_chosen_once_by_their_channel(shop: Brokerage) -> None:
    ids = shop.customers
    for number, (no, days) in enumerate([("88000001", 9), ("88000001", 5), ("88000002", 9), ("88000004", 0)]):
        await shop.execute(_CONTRACT, f"K{number}", ids[no], days)
    await shop.execute("insert into preference (customer_id, channel) values ($1, 'email')", ids["88000002"])
    view_id = uuid.uuid7()
    await shop.execute(_VIEW, view_id)
    assert await chosen(shop, view_id) == {"email": [ids["88000002"]], "in_app": [ids["88000001"]]}
    assert await chosen(shop, view_id) is None
    assert (await shop._row("select readers from product_view"))[0] == 2
