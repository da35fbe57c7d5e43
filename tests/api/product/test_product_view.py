"""An adviser's view is published with a licence, and read by the subscribers of its product alone."""

from typing import Any

import httpx
import uuid_utils.compat as uuid

from tests.brokerage import Brokerage
from tests.products import Investor

VIEW = {"title": "看好成长", "body": "估值合理。\n建议持有。"}
_CONTRACT = """
insert into contract (contract_no, customer_id, product_code, kind, signed_on, ended_on, source, digest)
values ($1, $2, $3, 'advisory', current_date - 10, current_date + $4::integer, 'advisory', '')"""


async def publish(api: httpx.AsyncClient, house: Brokerage, who: str = "2001", code: str = "P3", **changes: Any) -> Any:
    """Publishes, under a key of its own."""
    headers = {**await house.headers(who), "Idempotency-Key": str(uuid.uuid7())}
    return await api.post(f"/v1/staff/products/{code}/views", json={**VIEW, **changes}, headers=headers)


async def signed(house: Brokerage, number: str, code: str = "P3", days: int = 30) -> None:
    """A customer has a contract for so many days from now."""
    await house.execute(_CONTRACT, f"K{number}{code}", house.customers[number], code, days)


async def test_subscribers_read_it_and_nobody_else(api: httpx.AsyncClient, shop: Brokerage) -> None:
    await signed(shop, "88000001")
    await signed(shop, "88000002", "P5")
    await signed(shop, "88000004", days=0)
    published = await publish(api, shop)
    assert published.status_code == 201, published.text
    view_id = published.json()["id"]
    seen = {}
    for number in ("88000001", "88000002", "88000003", "88000004"):
        investor = await Investor.at(api, shop, number)
        one, listed = await investor.get(f"/views/{view_id}"), (await investor.get("/views")).json()["items"]
        assert (one.status_code == 200) == bool(listed)
        seen[number] = one.status_code
    assert seen == {"88000001": 200, "88000002": 404, "88000003": 404, "88000004": 404}


async def test_row_level_security_keeps_views_from_others_too(shop: Brokerage, api: httpx.AsyncClient) -> None:
    await signed(shop, "88000001")
    assert (await publish(api, shop)).status_code == 201
    counts = []
    for number in ("88000001", "88000002"):
        async with shop.database.transaction() as tx:
            await tx.execute("select set_config('hexad.scope', 'self', true)")
            await tx.execute("select set_config('hexad.customer', $1, true)", f"{{{shop.customers[number]}}}")
            counts.append(await tx.fetchval("select count(*) from product_view"))
    assert counts == [1, 0]


async def test_only_licensed_advisers_publish_on_what_is_offered(api: httpx.AsyncClient, shop: Brokerage) -> None:
    for who in ("1001", "1005", "1008", "1010"):
        refused = await publish(api, shop, who)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await publish(api, shop, code="P9")).status_code == 404
    for change, status, code in (
        ("update employee set licence_valid_to = current_date", 403, "not_licensed"),
        ("update employee set licence_valid_to = null, licence_kind = 'securities_broker'", 403, "not_licensed"),
        ("update employee set licence_kind = 'investment_adviser'", 201, None),
        ("update product set status = 'off'", 409, "product_withdrawn"),
    ):
        await shop.execute(change)
        answer = await publish(api, shop)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    for wrong in ({"title": ""}, {"title": "a\nb"}, {"body": "x" * 4001}, {"body": "\x00"}, {"extra": 1}):
        assert (await publish(api, shop, **wrong)).status_code == 400


async def test_views_come_page_by_page_the_newest_first(api: httpx.AsyncClient, shop: Brokerage) -> None:
    await signed(shop, "88000001")
    await signed(shop, "88000001", "P1")
    for number in range(3):
        assert (await publish(api, shop, title=f"观点{number}")).status_code == 201
    assert (await publish(api, shop, code="P1", title="另一个")).status_code == 201
    investor = await Investor.at(api, shop)
    first = (await investor.get("/views", limit=2, product_code="P3")).json()
    rest = (await investor.get("/views", limit=2, product_code="P3", cursor=first["next"])).json()
    assert [one["title"] for one in first["items"] + rest["items"]] == ["观点2", "观点1", "观点0"]
    assert rest["next"] is None
    assert len((await investor.get("/views")).json()["items"]) == 4
    staff = (await api.get("/v1/staff/products/P3/views", headers=await shop.headers("1001"))).json()
    assert [(one["adviser"], one["readers"]) for one in staff["items"]] == [("员工2001", None)] * 3
