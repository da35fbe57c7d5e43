"""Subscribing: what the investor saw is what they get, by a code of their own, once; whatever is in the way is told."""

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from tests.api.conftest import Open
from tests.brokerage import Brokerage
from tests.products import Investor, answers


def refused(answer: httpx.Response, code: str, status: int = 409) -> None:
    """The problem with this code."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_subscription_is_requested_once_however_often_it_is_sent(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor = await Investor.at(api, shop)
    code = await investor.code()
    first, second = [await investor.subscribe(code=code, key="subscribe-1", channel="sms") for _ in range(2)]
    assert (first.status_code, first.json()) == (201, second.json())
    kept = first.json()
    assert (kept["state"], kept["product_name"], kept["price"], kept["channel"]) == (
        "requested", "成长组合", "1200.0000", "sms",
    )  # fmt: skip
    assert (await investor.get("/subscriptions")).json()["items"] == [kept]
    refused(await investor.subscribe(code=code), "already_subscribed")
    events = await shop._row("select count(*) from outbox where kind = 'SubscriptionAsked'")
    assert events[0] == 1
    payload = await shop._row("select payload::text from outbox where kind = 'SubscriptionAsked'")
    assert "88000001" not in payload[0]


async def test_what_is_too_risky_or_not_answered_is_refused_and_the_decision_is_kept(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    for number, product, problem in (
        ("88000001", "P5", "risk_too_high"), ("88000002", "P1", "questionnaire_expired"),
        ("88000003", "P1", "no_questionnaire"),
    ):  # fmt: skip
        investor = await Investor.at(api, shop, number)
        refused(await investor.post(f"/products/{product}/code"), problem)
        refused(await investor.subscribe(product, code="000000"), problem)
        row = await shop._row(
            "select purpose, allowed, reason from suitability where customer_id = $1", shop.customers[number]
        )
        assert tuple(row) == ("subscribe", False, problem)
        assert await shop._row("select 1 from one_time_code where purpose = 'subscribe'") is None
        assert (await investor.get("/subscriptions")).json()["items"] == []


async def test_answering_anew_opens_the_way(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop, "88000002")
    refused(await investor.post("/products/P5/code"), "questionnaire_expired")
    assert (await investor.post("/assessments", await answers(investor))).status_code == 201
    assert (await investor.subscribe("P5")).status_code == 201


@pytest.mark.parametrize(
    ("change", "problem"),
    [("status = 'off'", "product_withdrawn"), ("price = 1300", "price_changed"), ("price = null", "price_changed")],
)
async def test_what_changed_since_it_was_shown_is_told(
    api: httpx.AsyncClient, shop: Brokerage, change: str, problem: str
) -> None:
    investor = await Investor.at(api, shop)
    code = await investor.code()
    await shop.execute(f"update product set {change}")
    refused(await investor.subscribe(code=code), problem)
    assert (await shop._row("select tries from one_time_code where purpose = 'subscribe'"))[0] == 0
    await shop.execute("update product set status = 'on', price = 1200")
    refused(await investor.subscribe(code=code, agreement_version=2), "agreement_changed")
    for odd in ("NaN", "sNaN", "-Infinity", "1e999999", "1200.00000", "", 1200, 1200.0):
        assert (await investor.subscribe(code=code, price=odd)).status_code == 400
    refused(await investor.subscribe(code=code, price="0.1"), "price_changed")
    assert (await investor.subscribe(code=code)).status_code == 201


async def test_a_code_is_good_once_for_its_product_and_device_and_bears_five_tries(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor = await Investor.at(api, shop)
    code = await investor.code("P3")
    refused(await investor.subscribe("P1", code=code), "code_refused")
    elsewhere = await Investor.at(api, shop)
    elsewhere.headers = await shop.headers("88000001", "investor", "phone-2")
    refused(await elsewhere.subscribe("P3", code=code), "code_refused")
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        refused(await investor.subscribe("P3", code=wrong), "code_refused")
    refused(await investor.subscribe("P3", code=code), "code_refused")


async def test_another_persons_code_opens_nothing(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor, other = await Investor.at(api, shop), await Investor.at(api, shop, "88000002")
    await other.post("/assessments", await answers(other))
    refused(await other.subscribe("P3", code=await investor.code()), "code_refused")


async def test_codes_have_their_limits_and_need_a_number(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop)
    await investor.code()
    for minutes, wait in ((0, 60), (30, 1800)):
        again = await investor.post("/products/P3/code")
        assert again.status_code == 429
        assert wait - 10 < int(again.headers["retry-after"]) <= wait
        await shop.execute(
            "insert into one_time_code (id, purpose, audience, subject, device_id, hash, mobile_index, address,"
            " expires_at, asked_by, asked_for, created_at) select gen_random_uuid(), purpose, audience, subject,"
            " device_id, hash, mobile_index, address, expires_at, asked_by, asked_for, now() - interval '30 minutes'"
            " from one_time_code, generate_series(1, 4 * (1 - $1::integer / 30))", minutes,
        )  # fmt: skip
    await shop.execute("delete from one_time_code")
    await shop.execute("update product set status = 'off'")
    refused(await investor.post("/products/P3/code"), "product_withdrawn")
    other = await Investor.at(api, shop, "88000002")
    await shop.execute("update product set status = 'on'")
    await shop.execute("update customer set mobile = null, mobile_index = null where customer_no = '88000002'")
    await other.post("/assessments", await answers(other))
    refused(await other.post("/products/P3/code"), "no_mobile")
    assert (await investor.post("/products/P9/code")).status_code == 404


async def test_who_signed_in_by_a_code_just_now_gets_one_to_subscribe(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop)
    for purpose in ("sign_in", "password"):
        wanted = {"login": "88000001", "device_id": "phone-1", "purpose": purpose}
        assert (await api.post("/v1/auth/investor/code", json=wanted)).status_code == 202
    assert (await investor.post("/products/P3/code")).status_code == 202


async def test_what_strangers_use_up_is_not_that_of_who_is_signed_in(
    open_api: Open, own_settings: Settings, shop: Brokerage
) -> None:
    async with open_api(msgspec.structs.replace(own_settings, sms_codes=25)) as api:
        for number in range(30):
            wanted = {"login": "88000001", "device_id": f"strangers-{number // 10}"}
            await api.post("/v1/auth/investor/code", json=wanted)
            await shop.execute("update one_time_code set created_at = created_at - interval '61 seconds'")
        assert (await api.post("/v1/auth/investor/code", json=wanted)).status_code == 429
        investor = await Investor.at(api, shop)
        assert (await investor.post("/products/P3/code")).status_code == 202


async def test_cancelling_waits_for_the_platform_and_nobody_cancels_anothers(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    investor, other = await Investor.at(api, shop), await Investor.at(api, shop, "88000002")
    kept = (await investor.subscribe()).json()
    path = f"/subscriptions/{kept['id']}"
    assert (await other.get(path)).status_code == 404
    assert (await other.post(f"{path}/cancel")).status_code == 404
    cancelled = await investor.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["cancelling"]) == (202, True)
    assert (await investor.post(f"{path}/cancel")).status_code == 202
    assert (await shop._row("select count(*) from outbox where kind = 'SubscriptionAsked'"))[0] == 2
    await shop.execute("update subscription set state = 'expired'")
    refused(await investor.post(f"{path}/cancel"), "not_cancellable")


async def test_staff_see_subscriptions_of_customers_in_their_scope(api: httpx.AsyncClient, shop: Brokerage) -> None:
    investor = await Investor.at(api, shop)
    kept = (await investor.subscribe()).json()
    seen = {}
    for who in ("1001", "1002", "1004", "1005", "1006", "1008"):
        headers = await shop.headers(who)
        page = (await api.get("/v1/staff/subscriptions?state=requested", headers=headers)).json()
        seen[who] = [one["id"] for one in page["items"]]
        own = await api.get("/v1/staff/customers/88000001/subscriptions", headers=headers)
        assert (own.status_code == 200) == bool(seen[who])
    assert {who for who, ids in seen.items() if ids == [kept["id"]]} == {"1001", "1004", "1005", "1008"}
    headers = await shop.headers("1001")
    assert (await api.get("/v1/staff/subscriptions?state=failed", headers=headers)).json()["items"] == []


async def test_a_contract_signed_at_the_branch_is_shown_and_subscribed_to_once(
    api: httpx.AsyncClient, shop: Brokerage
) -> None:
    await shop.execute(
        "insert into contract (contract_no, customer_id, product_code, kind, signed_on, source, digest)"
        " values ('K1', $1, 'P3', 'advisory', '2026-01-02', 'advisory', ''),"
        " ('K2', $1, 'P1', 'trial', '2026-01-02', 'advisory', '')",
        shop.customers["88000001"],
    )
    investor = await Investor.at(api, shop)
    listed = (await investor.get("/contracts")).json()["items"]
    assert [(one["contract_no"], one["product_name"]) for one in listed] == [("K1", "成长组合"), ("K2", "稳健组合")]
    refused(await investor.subscribe("P3", code="000000"), "already_subscribed")
    assert (await investor.subscribe("P1")).status_code == 201
    assert (await (await Investor.at(api, shop, "88000002")).get("/contracts")).json()["items"] == []
