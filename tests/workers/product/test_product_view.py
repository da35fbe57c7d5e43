"""A published view goes to every subscriber once, by the channel of their choice, and to nobody else."""

from typing import Any

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from tests.api.conftest import api, open_api, shop
from tests.api.product.test_product_view import publish, signed
from tests.brokerage import Brokerage
from tests.products import happen

__all__ = ["api", "open_api", "shop"]

_STARTED = """
select b.channels[1] as channel, array_agg(c.customer_no order by 1) as customers, min(b.given::text) as given,
       min(b.product_code) as product, min(b.topic) as topic
  from broadcast b, unnest(b.customers) as reader (id)
  join customer c using (id)
 group by 1"""


async def started(house: Brokerage) -> dict[str, Any]:
    """Broadcasts by channel."""
    async with house.database.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        return {row["channel"]: row for row in await tx.fetch(_STARTED)}


async def test_each_subscriber_gets_it_as_they_chose(
    api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings
) -> None:
    await signed(shop, "88000001")
    await signed(shop, "88000004")
    await signed(shop, "88000002", "P5")
    await shop.execute("insert into preference (customer_id, channel) values ($1, 'email')", shop.customers["88000004"])
    assert (await publish(api, shop, body="第一段。\n第二段。")).status_code == 201
    assert "ViewPublished" in await happen(shop.database, own_settings)
    found = await started(shop)
    assert {channel: row["customers"] for channel, row in found.items()} == {
        "in_app": ["88000001"], "email": ["88000004"],
    }  # fmt: skip
    assert (found["email"]["product"], found["email"]["topic"]) == ("P3", "product_view")
    assert msgspec.json.decode(found["email"]["given"]) == {
        "product": "成长组合", "title": "看好成长", "words": "第一段。 第二段。",
    }  # fmt: skip
    staff = (await api.get("/v1/staff/products/P3/views", headers=await shop.headers("1001"))).json()
    assert [one["readers"] for one in staff["items"]] == [2]


async def test_a_view_of_a_product_without_subscribers_goes_to_nobody(
    api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings
) -> None:
    assert (await publish(api, shop)).status_code == 201
    await happen(shop.database, own_settings)
    assert await started(shop) == {}


@pytest.mark.parametrize("body", ["\n \n", "\u202e说反了", "a\u2066b\x85c", "\u200b"])
async def test_whatever_an_adviser_may_write_is_told(
    api: httpx.AsyncClient, shop: Brokerage, own_settings: Settings, body: str
) -> None:
    await signed(shop, "88000001")
    await shop.execute("update product set name = repeat('名\u2028', 300)")
    assert (await publish(api, shop, title="看好\u2028成长", body=body)).status_code == 201
    await happen(shop.database, own_settings)
    values = msgspec.json.decode((await started(shop))["in_app"]["given"])
    assert values["title"] == "看好 成长"
    assert values["words"] in ("看好 成长", "说反了", "a b c")
    assert len(values["product"]) == 100
