"""The figures of home: those of the list, and no more often counted than they cost."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from centers.customer import home as module
from centers.customer import lists
from centers.customer.home import Homes
from centers.customer.lists import AssetsCursor, Filter
from kernel.calendar import days as calendar
from kernel.errors import Overloaded
from kernel.security.scope import Scope
from kernel.store.database import Tx
from mobile_contracts.customer.customer import Home
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


async def figures(within: Within, who: str) -> Home:
    """What somebody's home says."""
    async with within(who) as (tx, scope):
        return await Homes().figures(tx, scope)


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


async def test_a_count_that_takes_long_is_made_once_for_all_who_ask(
    house: Brokerage, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, go, homes, clock = 0, asyncio.Event(), Homes(), [0.0]
    real = module._by_branch

    async def slowly(tx: Tx, scope: Scope) -> Home:
        nonlocal counts
        counts += 1
        await go.wait()
        clock[0] += 3
        return await real(tx, scope)

    monkeypatch.setattr(module, "_by_branch", slowly)
    monkeypatch.setattr("centers.customer.home.monotonic", lambda: clock[0])

    async def ask() -> int:
        async with within("1005") as (tx, scope):
            return (await homes.figures(tx, scope)).customers

    asked = [asyncio.create_task(ask()) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    assert set(await asyncio.gather(*asked)) == {5}
    assert counts == 1
    await house.customer("88000011", "b1")
    assert (await ask(), counts) == (5, 1), "good for a minute, as counting took three seconds"
    clock[0] = 60.0
    assert (await ask(), counts) == (6, 2)


async def test_a_count_that_fails_is_made_by_the_next(
    house: Brokerage, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes, real = Homes(), module._by_branch
    monkeypatch.setattr(module, "_by_branch", lambda *_: _refused())
    with pytest.raises(ConnectionError):
        async with within("1005") as (tx, scope):
            await homes.figures(tx, scope)
    monkeypatch.setattr(module, "_by_branch", real)
    async with within("1005") as (tx, scope):
        assert (await homes.figures(tx, scope)).customers == 5


async def test_a_count_that_never_ends_is_waited_for_in_bounds(
    house: Brokerage, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes, counting = Homes(), asyncio.Event()

    async def never(tx: Tx, scope: Scope) -> Home:
        counting.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(module, "_by_branch", never)
    monkeypatch.setattr("centers.customer.home.WAIT_SECONDS", 0.01)

    async def ask() -> None:
        async with within("1005") as (tx, scope):
            await homes.figures(tx, scope)

    first = asyncio.create_task(ask())
    await counting.wait()
    with pytest.raises(Overloaded):
        await ask()
    first.cancel()


async def _refused() -> Home:
    raise ConnectionError


async def test_no_more_reaches_are_remembered_than_a_bound(within: Within, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REACHES_AT_MOST", 2)
    homes = Homes()
    for who in ("1005", "1006", "1008", "1005"):
        async with within(who) as (tx, scope):
            await homes.figures(tx, scope)
    assert len(homes._counted) == 2
