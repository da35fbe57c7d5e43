"""What the platform tells is written once, and never over what is somebody else's."""

from datetime import date, timedelta

import uuid_utils.compat as uuid

from centers.product import platform
from kernel import calendar
from kernel.scope import apply_system
from mobile_contracts.advisory import ContractNews, PlatformContract
from tests.brokerage import Brokerage

TODAY = calendar.today()


def contract(no: str = "S1", customer_no: str = "88000001", ended_on: date | None = None) -> PlatformContract:
    """A contract on the product P3."""
    return PlatformContract(no, customer_no, "P3", "service", TODAY - timedelta(10), ended_on)


async def put(shop: Brokerage, *contracts: PlatformContract, digest: bytes = b"1") -> int:
    async with shop.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        return await platform.put_contracts(tx, contracts, [digest] * len(contracts))


async def test_equal_contracts_are_not_written_and_those_of_nobody_neither(shop: Brokerage) -> None:
    assert await put(shop, contract(), contract("S2", "99999999")) == 1
    assert await put(shop, contract()) == 0
    assert await put(shop, contract(ended_on=TODAY), digest=b"2") == 1


async def test_anothers_contract_is_not_touched(shop: Brokerage) -> None:
    await put(shop, contract())
    assert await put(shop, contract(customer_no="88000002"), digest=b"2") == 0
    await shop.execute("update contract set source = 'counter'")
    assert await put(shop, contract(ended_on=TODAY), digest=b"3") == 0


async def test_a_contract_confirms_the_subscription_of_its_customer_alone(shop: Brokerage) -> None:
    ids = {no: uuid.uuid7() for no in ("88000001", "88000002")}
    decided = uuid.uuid7()
    await shop.execute(
        "insert into suitability (id, customer_id, product_code, purpose, allowed, reason, product_level)"
        " values ($1, $2, 'P3', 'subscribe', true, 'suitable', 3)",
        decided,
        shop.customers["88000001"],
    )
    for no, subscription_id in ids.items():
        await shop.execute(
            "insert into subscription (id, customer_id, product_code, agreement_version, suitability_id, channel)"
            " values ($1, $2, 'P3', 1, $3, 'in_app')",
            subscription_id,
            shop.customers[no],
            decided,
        )
    await put(shop, contract())
    async with shop.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        news = [ContractNews(number, contract(), one) for number, one in enumerate(ids.values(), 1)]
        assert await platform.confirm(tx, news) == 1
        assert await platform.confirm(tx, news) == 0
        rows = await tx.fetch("select id, state, contract_no from subscription order by id")
    assert [tuple(row) for row in rows] == [
        (ids["88000001"], "confirmed", "S1"), (ids["88000002"], "requested", None),
    ]  # fmt: skip
