"""The catalogue: staff see products as they are, an investor whether they suit them, and why not."""

from typing import Any

import httpx
import pytest

from tests.brokerage import Brokerage
from tests.products import Investor


async def offers(investor: Investor, **query: Any) -> dict[str, tuple[bool, str]]:
    """Code, whether it suits, and why, page after page."""
    found: dict[str, tuple[bool, str]] = {}
    asked = {"limit": 2, **query}
    while True:
        answer = await investor.get("/products", **asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found |= {one["product_code"]: (one["suitable"], one["reason"]) for one in page["items"]}
        if page["next"] is None:
            return found
        asked["cursor"] = page["next"]


async def test_each_investor_is_told_what_suits_them(api: httpx.AsyncClient, shop: Brokerage) -> None:
    suits, risky = (True, "suitable"), (False, "risk_too_high")
    assert await offers(await Investor.at(api, shop)) == {"P1": suits, "P3": suits, "P5": risky}
    expired, never = (False, "questionnaire_expired"), (False, "no_questionnaire")
    assert set((await offers(await Investor.at(api, shop, "88000002"))).values()) == {expired}
    assert set((await offers(await Investor.at(api, shop, "88000003"))).values()) == {never}
    await shop.execute("update customer set status = 'frozen' where customer_no = '88000001'")
    assert set((await offers(await Investor.at(api, shop))).values()) == {(False, "customer_not_active")}


@pytest.mark.parametrize(
    ("query", "codes"),
    [({"suitable": True}, "P1P3"), ({"risk_level": 1}, "P1"), ({"q": "成长"}, "P3"), ({"q": "P5"}, "P5"),
     ({"category": "financial"}, ""), ({"suitable": True, "risk_level": 5}, "P1P3")],
)  # fmt: skip
async def test_offers_are_filtered(api: httpx.AsyncClient, shop: Brokerage, query: Any, codes: str) -> None:
    assert "".join(await offers(await Investor.at(api, shop), **query)) == codes


async def test_a_withdrawn_product_is_offered_no_more_and_shown_as_such(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor = await Investor.at(api, shop)
    await shop.execute("update product set status = 'off' where product_code = 'P3'")
    assert "P3" not in await offers(investor)
    shown = (await investor.get("/products/P3")).json()["offer"]
    assert (shown["status"], shown["suitable"], shown["reason"]) == ("off", False, "product_withdrawn")
    assert (await investor.get("/products/P9")).status_code == 404
    staff = await shop.headers("1001")
    listed = (await api.get("/v1/staff/products", headers=staff)).json()["items"]
    assert [(one["product_code"], one["status"]) for one in listed] == [("P1", "on"), ("P3", "off"), ("P5", "on")]
    off = (await api.get("/v1/staff/products?status=off", headers=staff)).json()["items"]
    assert [one["price"] for one in off] == ["1200.0000"]
    assert (await api.get("/v1/staff/products/P3", headers=staff)).json()["name"] == "成长组合"


async def test_a_product_comes_with_its_agreement_in_the_readers_language(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor = await Investor.at(api, shop)
    titles = []
    for language in ("en", "zh"):
        investor.headers["Accept-Language"] = language
        titles.append((await investor.get("/products/P1")).json()["agreement"]["title"])
    assert titles == ["Subscription agreement", "产品签约协议"]


async def test_a_decision_is_kept_with_what_it_was_based_on(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop)
    for code, reason in (("P3", "suitable"), ("P5", "risk_too_high")):
        decided = (await investor.post(f"/products/{code}/suitability")).json()
        assert (decided["reason"], decided["allowed"]) == (reason, reason == "suitable")
        assert (decided["product_level"], decided["level"]) == (int(code[1]), 3)
        row = await shop._row("select purpose, reason, expires_on::text from suitability where id = $1", decided["id"])
        assert tuple(row) == ("check", reason, decided["expires_on"])
    assert (await investor.post("/products/P9/suitability")).status_code == 404
