"""The questionnaire: twenty questions, every one answered once, and what it finds counts at once."""

from datetime import timedelta

import httpx
import pytest

from kernel.calendar import days as calendar
from tests.brokerage import Brokerage
from tests.products import Investor, answers


async def test_it_has_twenty_questions_in_both_languages(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor, texts = await Investor.at(api, shop), []
    for language in ("zh", "en"):
        investor.headers["Accept-Language"] = language
        asked = (await investor.get("/questionnaire")).json()
        assert [one["number"] for one in asked["questions"]] == list(range(1, 21))
        assert all(2 <= len(one["choices"]) <= 5 for one in asked["questions"])
        assert asked["valid_days"] == 730
        texts.append(asked["questions"][0]["text"])
    assert texts == ["您的年龄是?", "How old are you?"]


async def test_the_answers_make_the_level_and_the_newest_counts(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop, "88000003")
    cautious = (await investor.post("/assessments", await answers(investor, "least"))).json()
    assert (cautious["score"], cautious["risk_level"], cautious["source"]) == (0, 1, "hexad")
    assert (await investor.get("/products/P5")).json()["offer"]["reason"] == "risk_too_high"
    bold = await investor.post("/assessments", await answers(investor))
    assert (bold.status_code, bold.json()["score"], bold.json()["risk_level"]) == (201, 100, 5)
    assert (await investor.get("/products/P5")).json()["offer"]["suitable"] is True
    listed = (await investor.get("/assessments", limit=1)).json()
    older = (await investor.get("/assessments", limit=1, cursor=listed["next"])).json()
    assert [one["risk_level"] for one in listed["items"] + older["items"]] == [5, 1]
    assert older["next"] is None


async def test_the_same_level_stands_everywhere(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor, broker = await Investor.at(api, shop), await shop.headers("1001")
    cursor = (await api.get("/v1/staff/sync", headers=broker)).json()["cursor"]
    found = (await investor.post("/assessments", await answers(investor))).json()
    assert found["risk_level"] == 5
    until = found["expires_on"]
    own = (await investor.get("/me")).json()
    detail = (await api.get("/v1/staff/customers/88000001", headers=broker)).json()
    for seen in (own, detail):
        assert (seen["risk_level"], seen["risk_expires_on"]) == (5, until)
        assert seen["risk_assessed_on"] == str(calendar.today())
    assert (await investor.get("/products/P5")).json()["offer"]["suitable"] is True
    for query in ({}, {"risk_level": 5}, {"sort": "name"}, {"sort": "opened"}, {"q": "88000001"}, {"q": "王一"}):
        for who in ("1001", "1005"):
            page = await api.get("/v1/staff/customers", params=query, headers=await shop.headers(who))
            levels = {one["customer_no"]: one["risk_level"] for one in page.json()["items"]}
            assert levels["88000001"] == 5, (who, query)
    changed = (await api.get("/v1/staff/sync", params={"cursor": cursor}, headers=broker)).json()["changed"]
    assert [(one["customer_no"], one["risk_level"]) for one in changed] == [("88000001", 5)]


@pytest.mark.parametrize(
    ("fed", "told", "level"),
    [
        ((3, -10), [(4, -20)], 3), ((3, -10), [(4, -5)], 4), ((3, -10), [(4, -5), (1, -2)], 1), (None, [(2, -900)], 2),
        ((3, -10), [], 3), (None, [], None),
    ],
)  # fmt: skip
async def test_whatever_said_so_last_stands(
    api: httpx.AsyncClient, shop: Brokerage, fed: tuple[int, int] | None, told: list[tuple[int, int]], level: int | None
) -> None:
    customer, today = shop.customers["88000002"], calendar.today()
    day = None if fed is None else today + timedelta(days=fed[1])
    await shop.execute(
        "update customer set risk_level = $2, risk_assessed_on = $3 where id = $1", customer, fed and fed[0], day
    )
    for number, days in told:
        await shop.execute(
            "insert into assessment (customer_id, at, source, day, score, risk_level, expires_on)"
            " values ($1, now() + make_interval(days => $3), 'advisory', current_date, 50, $2, current_date + 700)",
            customer, number, days,
        )  # fmt: skip
    investor = await Investor.at(api, shop, "88000002")
    assert (await investor.get("/me")).json()["risk_level"] == level
    await shop.execute("delete from assessment where customer_id = $1", customer)
    assert (await investor.get("/me")).json()["risk_level"] == (fed and fed[0]), "a corrected day took them back"


async def test_nobody_else_sees_what_was_answered(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor, other = await Investor.at(api, shop), await Investor.at(api, shop, "88000002")
    await investor.post("/assessments", await answers(investor))
    assert (await other.get("/assessments")).json()["items"] == []


async def test_it_may_be_answered_three_times_a_day_and_a_repeat_counts_once(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor = await Investor.at(api, shop)
    given = await answers(investor)
    first = [await investor.post("/assessments", given, key="the-same-key") for _ in range(2)]
    assert first[0].json() == first[1].json()
    for _ in range(2):
        assert (await investor.post("/assessments", given)).status_code == 201
    refused = await investor.post("/assessments", given)
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_used_up")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    await shop.execute("update assessment set at = at - interval '1 day'")
    assert (await investor.post("/assessments", given)).status_code == 201


async def test_what_is_missing_double_or_unknown_is_named(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop)
    given = await answers(investor)
    missing = {**given, "answers": given["answers"][1:]}
    refused = await investor.post("/assessments", missing)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "answers.1")
    other = await investor.post("/assessments", {**given, "version": 2})
    assert (other.status_code, other.json()["code"]) == (409, "questionnaire_changed")
    for wrong in ({"number": 1, "letter": "Z"}, {"number": 99, "letter": "A"}, {"number": 1, "letter": "A", "x": 1}):
        assert (await investor.post("/assessments", {**given, "answers": [wrong]})).status_code == 400
    assert (await investor.get("/assessments")).json()["items"] == []
