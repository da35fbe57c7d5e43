"""What the platform tells is written once, and never over what is somebody else's."""

from datetime import date, timedelta
from uuid import UUID

import uuid_utils.compat as uuid

from centers.product import platform
from kernel.calendar import days
from kernel.security.scope import apply_system
from mobile_contracts.product.advisory import ContractNews, PlatformContract
from tests.brokerage import Brokerage

TODAY = days.today()


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


async def given_up(shop: Brokerage, no: str, state: str = "failed") -> UUID:
    """A subscription of a customer that was given up, or another one."""
    decided, subscription_id = uuid.uuid7(), uuid.uuid7()
    await shop.execute(
        "insert into suitability (id, customer_id, product_code, purpose, allowed, reason, product_level)"
        " values ($1, $2, 'P3', 'subscribe', true, 'suitable', 3)",
        decided,
        shop.customers[no],
    )
    await shop.execute(
        "insert into subscription (id, customer_id, product_code, agreement_version, suitability_id, channel, state)"
        " values ($1, $2, 'P3', 1, $3, 'in_app', $4)",
        subscription_id,
        shop.customers[no],
        decided,
        state,
    )
    return subscription_id


async def confirm(shop: Brokerage, *named: tuple[UUID, str]) -> int:
    async with shop.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        news = [ContractNews(place, contract(no), one) for place, (one, no) in enumerate(named, 1)]
        return await platform.confirm(tx, news)


async def test_of_two_that_were_given_up_one_is_confirmed_whatever_contracts_they_got(shop: Brokerage) -> None:
    first, second = await given_up(shop, "88000001"), await given_up(shop, "88000001")
    await put(shop, contract("S1"), contract("S2"))
    assert await confirm(shop, (first, "S1"), (second, "S1"), (second, "S2")) == 1
    assert await confirm(shop, (first, "S1"), (first, "S2")) == 0


async def test_what_was_given_up_stays_so_when_another_took_its_place(shop: Brokerage) -> None:
    before, now = await given_up(shop, "88000001"), await given_up(shop, "88000001", "requested")
    await put(shop, contract("S1"), contract("S2"))
    assert await confirm(shop, (before, "S1")) == 0
    assert await confirm(shop, (before, "S1"), (now, "S2")) == 1


async def test_a_contract_confirms_the_subscription_of_its_customer_alone(shop: Brokerage) -> None:
    mine, others = [await given_up(shop, no, "requested") for no in ("88000001", "88000002")]
    await put(shop, contract("S1"))
    assert await confirm(shop, (mine, "S1"), (others, "S1")) == 1
    assert await confirm(shop, (mine, "S1"), (others, "S1")) == 0
    async with shop.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        rows = await tx.fetch("select id, state, contract_no from subscription order by id")
    assert [tuple(row) for row in rows] == [(mine, "confirmed", "S1"), (others, "requested", None)]
