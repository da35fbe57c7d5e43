"""A subscription goes its way over HTTP at both ends: asked for, decided, told; and all that goes wrong on it."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import msgspec
import pytest

from hexad.simulators.advisory import Manner, Platform, serving
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import AdvisoryDue, ExpiryDue, SubscriptionChanged
from tests.api.conftest import api, open_api, shop
from tests.brokerage import Brokerage
from tests.hexad.simulators.test_ledger import order
from tests.products import Investor, contract_of, happen, told
from tests.workers.conftest import means
from workers.product.advisory import Advisory, News
from workers.product.subscription import ask_platform, expire_subscriptions, tell_of_subscription

__all__ = ["api", "open_api", "shop"]


class World:
    """The house, an investor in it, and a platform that can be made to misbehave."""

    def __init__(self, house: Brokerage, investor: Investor, platform: Platform, settings: Settings) -> None:
        self.house, self.investor, self.platform, self.settings = house, investor, platform, settings

    async def asked(self, **changes: str) -> str:
        """The id of a subscription that was just asked for."""
        answer = await self.investor.subscribe(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def go_on(self) -> None:
        """Everything that follows happens."""
        await happen(self.house.database, self.settings)

    async def tick(self) -> None:
        """Beat's time has come, and every wait is over."""
        await self.house.execute("update subscription set next_try_at = now() where next_try_at is not null")
        await ask_platform(AdvisoryDue(), means(self.settings, self.house.database))
        await self.go_on()

    async def state(self, subscription_id: str) -> str:
        """How the subscription stands."""
        return str((await self.investor.state(subscription_id))["state"])

    async def problem(self) -> str:
        """What staff see that is in the way."""
        headers = await self.house.headers("1001")
        page = (await self.investor.api.get("/v1/staff/subscriptions", headers=headers)).json()
        return str(page["items"][0]["problem"])


@pytest.fixture
async def world(
    api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings, free_port: Callable[[], int]
) -> AsyncIterator[World]:
    """Everything in its place; four tries."""
    settings = msgspec.structs.replace(own_settings, advisory_simulator_port=free_port(), advisory_tries=4)
    with serving(settings, Manner()) as platform:
        yield World(shop, await Investor.at(api, shop), platform, settings)


async def test_it_is_confirmed_and_customer_and_broker_are_told(world: World) -> None:
    subscription_id = await world.asked()
    await world.go_on()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["contract_no"]) == (
        "confirmed",
        contract_of(world.platform, subscription_id).contract_no,
    )
    assert await told(world.house, "investor", "88000001") == [("签约成功", "您已成功签约成长组合。")]
    assert await told(world.house, "staff", "1001") == [("客户签约", "您服务的客户王一已签约成长组合。")]
    assert await told(world.house, "staff", "1001", "en") == [
        ("A customer subscribed", "Your customer 王一 has subscribed to 成长组合.")
    ]
    assert await told(world.house, "staff", "1002") == []
    (contract,) = (await world.investor.get("/contracts")).json()["items"]
    assert contract["contract_no"] == stands["contract_no"]
    await world.tick()
    assert len(await told(world.house, "investor", "88000001")) == 1


@pytest.mark.parametrize("manner", [Manner(down=1), Manner(nonsense=1)])
async def test_while_the_platform_is_away_it_waits_and_then_goes_on(world: World, manner: Manner) -> None:
    world.platform.manner = manner
    subscription_id = await world.asked()
    await world.go_on()
    assert await world.state(subscription_id) == "requested"
    assert "the advisory platform answers" in await world.problem()
    world.platform.manner = Manner()
    await world.tick()
    assert await world.state(subscription_id) == "confirmed"
    assert await world.problem() == ""
    assert len(world.platform.ledger.read(0, 10).items) == 1


async def test_after_the_last_try_it_has_failed_and_a_late_contract_still_counts(world: World) -> None:
    subscription_id = await world.asked()
    world.platform.manner = Manner(down=1)
    await world.go_on()
    for _ in range(3):
        assert await world.state(subscription_id) == "requested"
        await world.tick()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["reason"]) == ("failed", "platform_unreachable")
    assert (await told(world.house, "investor", "88000001"))[0][0] == "签约未完成"
    late = {"subscription_id": UUID(subscription_id), "customer_no": "88000001", "product_code": "P3"}
    world.platform.ledger.take(msgspec.structs.replace(order(), **late))
    world.platform.manner = Manner()
    await world.tick()
    assert await world.state(subscription_id) == "confirmed"


async def test_the_platform_may_refuse(world: World) -> None:
    world.platform.manner = Manner(refuse=1)
    subscription_id = await world.asked()
    await world.go_on()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["reason"]) == ("refused", "the platform does not want it")
    assert (await told(world.house, "investor", "88000001"))[0][0] == "签约未通过"
    assert await told(world.house, "staff", "1001") == []
    world.platform.manner = Manner()
    assert (await world.investor.subscribe(code="000000")).json()["code"] == "code_refused"


async def test_what_is_decided_later_comes_with_the_contracts(world: World) -> None:
    world.platform.manner = Manner(later=True)
    subscription_id = await world.asked()
    await world.go_on()
    assert (await world.state(subscription_id), await world.problem()) == (
        "requested", "the platform has not decided yet",
    )  # fmt: skip
    await ask_platform(AdvisoryDue(), means(world.settings, world.house.database))
    assert await world.state(subscription_id) == "confirmed"


@pytest.mark.parametrize(
    ("change", "reason"), [("status = 'off'", "product_withdrawn"), ("price = 1", "price_changed")]
)
async def test_what_changed_before_the_platform_was_asked_is_not_asked_for(
    world: World, change: str, reason: str
) -> None:
    subscription_id = await world.asked()
    await world.house.execute(f"update product set {change}")
    await world.go_on()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["reason"]) == ("refused", reason)
    assert world.platform.ledger.read(0, 10).items == []


async def test_cancelling_ends_the_contract_and_the_views(world: World) -> None:
    subscription_id = await world.asked()
    await world.go_on()
    world.platform.manner = Manner(down=1)
    assert (await world.investor.post(f"/subscriptions/{subscription_id}/cancel")).json()["cancelling"] is True
    await world.go_on()
    assert await world.state(subscription_id) == "confirmed"
    world.platform.manner = Manner()
    await world.tick()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["reason"], stands["cancelling"]) == ("cancelled", "by_investor", False)
    contract = contract_of(world.platform, subscription_id)
    assert contract.ended_on == contract.signed_on
    assert (await told(world.house, "staff", "1001"))[-1][0] == "客户取消签约"
    assert (await world.investor.get("/products/P3")).json()["offer"]["subscribed"] is False


async def test_cancelled_before_the_platform_knew_it_never_comes_to_be(world: World) -> None:
    subscription_id = await world.asked()
    await world.investor.post(f"/subscriptions/{subscription_id}/cancel")
    await world.go_on()
    assert await world.state(subscription_id) == "cancelled"
    assert contract_of(world.platform, subscription_id) is None


async def test_a_cancelling_that_cannot_be_told_is_given_up_and_the_subscription_stays(world: World) -> None:
    subscription_id = await world.asked()
    await world.go_on()
    world.platform.manner = Manner(down=1)
    await world.investor.post(f"/subscriptions/{subscription_id}/cancel")
    await world.go_on()
    for _ in range(3):
        await world.tick()
    stands = await world.investor.state(subscription_id)
    assert (stands["state"], stands["cancelling"]) == ("confirmed", False)
    assert "503" in await world.problem()


async def test_somebody_elses_contract_is_nonsense(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = world.platform.ledger.take

    def confused(order: object, **manner: bool) -> object:
        return taken(msgspec.structs.replace(order, customer_no="88000002"), **manner)  # type: ignore[arg-type,type-var]

    monkeypatch.setattr(world.platform.ledger, "take", confused)
    subscription_id = await world.asked()
    await world.go_on()
    await world.tick()
    assert await world.state(subscription_id) == "requested"
    assert "somebody else's contract" in await world.problem()


async def test_it_expires_when_its_contract_has_ended(world: World, database: Database) -> None:
    subscription_id = await world.asked()
    await world.go_on()
    for ended, state in (("current_date + 1", "confirmed"), ("current_date", "expired")):
        await world.house.execute(f"update contract set ended_on = {ended}")
        async with database.transaction() as tx:
            await expire_subscriptions(tx, ExpiryDue())
        assert await world.state(subscription_id) == state
    await world.go_on()
    assert (await told(world.house, "investor", "88000001"))[-1][0] == "签约已到期"


async def test_a_problem_of_reading_is_kept_and_goes(world: World) -> None:
    async def problem() -> str:
        async with world.house.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            return str(await tx.fetchval("select problem from advisory_position"))

    world.platform.manner = Manner(nonsense=1)
    await world.tick()
    assert await problem() == "the advisory platform answers nonsense"
    world.platform.manner = Manner()
    await world.tick()
    assert await problem() == ""


async def test_it_is_read_on_behind_contracts_that_make_no_sense(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [News([], [3, 4], [3, 4], more=True), News([], [9], [9])]

    async def read(self: Advisory, after: int) -> News:
        return pages.pop(0)

    monkeypatch.setattr(Advisory, "read", read)
    await world.tick()
    async with world.house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        row = await tx.fetchrow("select position, problem from advisory_position")
    assert tuple(row or ()) == (9, "contracts that make no sense were left out, at positions [9]")


async def test_each_outcome_is_told_though_it_is_another_by_now(world: World) -> None:
    kept = await world.asked()
    await world.house.execute("update subscription set state = 'cancelled'")
    for state in ("confirmed", "cancelled"):
        async with world.house.database.transaction() as tx:
            await tell_of_subscription(tx, SubscriptionChanged(subscription_id=UUID(kept), state=state))
    titles = [title for title, _ in await told(world.house, "staff", "1001")]
    assert titles == ["客户签约", "客户取消签约"]
    assert len(await told(world.house, "investor", "88000001")) == 2
