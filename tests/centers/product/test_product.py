"""What is offered is what is on; what was subscribed to is marked as long as its contract holds."""

import pytest

from centers.product import product
from centers.product.product import Filter, ProductCursor
from kernel.errors import NotFound
from tests.brokerage import Brokerage
from tests.centers.product.conftest import As


async def test_an_offer_is_marked_while_its_contract_holds(shop: Brokerage, as_investor: As) -> None:
    for number, (code, ended) in enumerate({"P1": "current_date", "P3": "current_date + 1", "P5": "null"}.items()):
        await shop.execute(
            "insert into contract (contract_no, customer_id, product_code, kind, signed_on, ended_on, source, digest)"
            f" values ('K{number}', $1, '{code}', 'advisory', current_date, {ended}, 'advisory', '')",
            shop.customers["88000001"],
        )
    async with as_investor() as (tx, who):
        offers = await product.list_offers(tx, who, Filter(), ProductCursor(), 10)
    assert {one.product_code: one.subscribed for one in offers} == {"P1": False, "P3": True, "P5": True}
    async with as_investor("88000002") as (tx, who):
        assert not any(one.subscribed for one in await product.list_offers(tx, who, Filter(), ProductCursor(), 10))


async def test_the_newest_agreement_is_in_force(shop: Brokerage, as_investor: As, database: object) -> None:
    async with as_investor() as (tx, _):
        assert (await product.agreement(tx, "en")).version == 1
        with pytest.raises(NotFound):
            await product.find(tx, "P9")
