"""A published view comes to every subscriber once, and to nobody else."""

import httpx

from kernel.settings import Settings
from tests.api.conftest import api, open_api, shop
from tests.api.test_product_view import publish, signed
from tests.brokerage import Brokerage
from tests.products import Investor, happen, told

__all__ = ["api", "open_api", "shop"]


async def test_it_is_told_to_subscribers_once(api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings) -> None:
    await signed(shop, "88000001")
    await signed(shop, "88000002", "P5")
    view_id = (await publish(api, shop)).json()["id"]
    assert "ViewPublished" in await happen(shop.database, own_settings)
    notices = (await (await Investor.at(api, shop)).get("/notices")).json()["items"]
    assert [(one["kind"], one["title"], one["link"]) for one in notices] == [
        ("product_view", "看好成长", f"/views/{view_id}")
    ]
    assert await told(shop, "investor", "88000002") == []
    staff = (await api.get("/v1/staff/products/P3/views", headers=await shop.headers("1001"))).json()
    assert [one["readers"] for one in staff["items"]] == [1]
