"""Each subscription goes its way by itself: what the platform says of one is kept, whatever it does about others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from hexad.simulators.advisory import Manner, serving
from kernel.errors import Unavailable
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from mobile_contracts.event import AdvisoryDue, SubscriptionAsked
from mobile_contracts.product.advisory import Order, Verdict
from tests.api.conftest import api, open_api, shop
from tests.brokerage import Brokerage
from tests.products import Investor
from tests.workers.conftest import means
from tests.workers.product.test_subscription import World
from workers.product import subscription
from workers.product.advisory import Advisory
from workers.product.subscription import ask_platform, tell_platform

__all__ = ["api", "open_api", "shop"]


@pytest.fixture
async def world(
    api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings, free_port: Callable[[], int]
) -> AsyncIterator[World]:
    """Everything in its place."""
    settings = msgspec.structs.replace(own_settings, advisory_simulator_port=free_port())
    with serving(settings, Manner()) as platform:
        yield World(shop, await Investor.at(api, shop), platform, settings)


async def asked(world: World, of: int) -> list[str]:
    """So many subscriptions of other customers that are to be told now, put in beside the first."""
    first = await world.asked()
    await world.house.execute(
        "insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on,"
        " status, investor_kind, source, digest)"
        " select '8900' || n, 'C', 'individual', 'passport', '', '', '', branch_id, '2020-01-01', 'normal', 'ordinary',"
        f" 'x', '' from customer, generate_series(1001, {1000 + of - 1}) as n where customer_no = '88000001'"
    )
    await world.house.execute(
        "insert into subscription (id, customer_id, product_code, price, agreement_version, suitability_id, channel,"
        " next_try_at) select gen_random_uuid(), c.id, s.product_code, s.price, s.agreement_version, s.suitability_id,"
        " s.channel, now() from customer c, subscription s where c.customer_no like '8900%'"
    )
    await world.house.execute("delete from outbox")
    await world.house.execute("update subscription set next_try_at = now()")
    return [first]


async def test_whatever_goes_wrong_with_one_the_others_are_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (wrong,) = await asked(world, 8)
    take = subscription._take

    async def picky(tx: Tx, due: Any, *given: Any) -> None:
        if str(due.id) == wrong:
            raise ValueError("not this one")
        await take(tx, due, *given)

    monkeypatch.setattr(subscription, "_take", picky)
    given = means(world.settings, world.house.database)
    await ask_platform(AdvisoryDue(), given)
    assert given.failing.problem() == f"subscription {wrong}: ValueError: not this one"
    others = "select count(*) from subscription where state = 'confirmed' and id <> "
    assert await number(world, f"{others} '{wrong}'") == 7


async def number(world: World, query: str) -> int:
    """The one number that a query gives."""
    async with world.house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        return int(await tx.fetchval(query))


async def confirmed(world: World) -> int:
    return await number(world, "select count(*) from subscription where state = 'confirmed'")


async def tell(world: World) -> None:
    await ask_platform(AdvisoryDue(), means(world.settings, world.house.database))


async def test_what_was_answered_is_kept_while_the_platform_hangs_on_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked(world, 12)
    order, hung, answers = Advisory.order, asyncio.Event(), 0

    async def hangs_after_five(self: Advisory, one: Order) -> Verdict:
        nonlocal answers
        answers += 1
        if answers == 9:
            hung.set()  # all of the four that are told at once
        if answers > 5:
            await asyncio.Event().wait()
        return await order(self, one)

    monkeypatch.setattr(Advisory, "order", hangs_after_five)
    telling = asyncio.create_task(tell(world))
    await hung.wait()
    async with asyncio.timeout(60):
        while await confirmed(world) < 5:
            await asyncio.sleep(0.02)
    telling.cancel()  # as the time limit of its job would
    await asyncio.wait([telling])
    assert await confirmed(world) == 5
    monkeypatch.setattr(Advisory, "order", order)
    await tell(world)
    assert await confirmed(world) == 8  # those in hand when it hung are left alone until their claims are over
    await world.house.execute("update subscription set next_try_at = now() where next_try_at is not null")
    await tell(world)
    assert await confirmed(world) == 12


async def test_it_goes_on_at_any_delay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await asked(world, 9)
    order = Advisory.order

    async def is_slow(self: Advisory, one: Order) -> Verdict:
        await asyncio.sleep(0.3)
        return await order(self, one)

    monkeypatch.setattr(Advisory, "order", is_slow)
    world.settings = msgspec.structs.replace(world.settings, job_timeout=1.0)
    done = 0
    while done < 9:
        await tell(world)
        before, done = done, await confirmed(world)
        assert done > before


async def test_two_at_the_same_moment_tell_each_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = await asked(world, 4)
    order, told = Advisory.order, []

    async def noted(self: Advisory, one: Order) -> Verdict:
        told.append(one.subscription_id)
        return await order(self, one)

    monkeypatch.setattr(Advisory, "order", noted)
    given = means(world.settings, world.house.database)
    event = SubscriptionAsked(subscription_id=UUID(first))
    await asyncio.gather(tell(world), tell(world), tell_platform(event, given))
    assert len(told) == len(set(told)) == 4


async def test_what_is_cancelled_while_the_platform_is_asked_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription_id = await world.asked()
    await world.house.execute("delete from outbox")
    order = Advisory.order

    async def cancelled_meanwhile(self: Advisory, one: Order) -> Verdict:
        verdict = await order(self, one)
        assert (await world.investor.post(f"/subscriptions/{subscription_id}/cancel")).status_code == 202
        raise Unavailable(f"the answer was lost: {verdict.status}")

    monkeypatch.setattr(Advisory, "order", cancelled_meanwhile)
    await tell_platform(
        SubscriptionAsked(subscription_id=UUID(subscription_id)), means(world.settings, world.house.database)
    )
    tries = await number(world, "select tries from subscription")
    assert tries == 0  # the cancelling has its own tries, and is due at once
    await world.go_on()
    assert await world.state(subscription_id) == "cancelled"


async def test_a_page_of_contracts_that_somebody_else_read_is_not_taken_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Advisory.read

    async def overtaken(self: Advisory, after: int) -> object:
        await world.house.execute("update advisory_position set position = 7")
        return await read(self, after)

    monkeypatch.setattr(Advisory, "read", overtaken)
    await tell(world)
    assert await number(world, "select position from advisory_position") == 7
