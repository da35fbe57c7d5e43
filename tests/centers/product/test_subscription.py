"""Of two subscriptions to one product at the same time one is kept."""

import asyncio

from centers.product import subscription, suitability
from kernel.errors import AlreadySubscribed
from mobile_contracts.product.product import SubscriptionWanted
from tests.brokerage import Brokerage
from tests.centers.product.conftest import As

WANTED = SubscriptionWanted("P3", "1200", 1, "000000")


async def test_of_many_at_once_one_is_kept(shop: Brokerage, as_investor: As) -> None:
    async def once() -> bool:
        try:
            async with as_investor() as (tx, who):
                product = await subscription.check_wanted(tx, who, WANTED)
                decided = await suitability.do_decide(tx, who, product, "subscribe")
                await subscription.do_subscribe(tx, who, WANTED, decided)
        except AlreadySubscribed:
            return False
        return True

    assert sorted(await asyncio.gather(*(once() for _ in range(5)))) == [False] * 4 + [True]
    assert (await shop._row("select count(*) from subscription"))[0] == 1
