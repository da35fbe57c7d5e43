"""A broker sees exactly their own customers, finds them, and changes and reveals within bounds."""

import asyncio
import json
from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from kernel.calendar import days
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open
from tests.brokerage import ID_NO, Brokerage, small

URL = "/v1/staff/customers"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


async def numbers(api: httpx.AsyncClient, headers: dict[str, str], **query: Any) -> list[str]:
    """The last digits of the customers listed, page after page."""
    found: list[str] = []
    asked: dict[str, str] = {name: str(value) for name, value in {"limit": 2, **query}.items()}
    while True:
        answer = await api.get(URL, params=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [one["customer_no"][-1] for one in page["items"]]
        if page["next"] is None:
            return found
        asked["cursor"] = page["next"]


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("1001", "231"), ("1002", "3"), ("1003", "4"), ("1004", "231"), ("1005", "25314"), ("1006", "6"), ("1007", "6"),
        ("1008", "265314"), ("1009", "265314"), ("2001", "6"),
    ],
)  # fmt: skip
async def test_everybody_sees_the_customers_in_their_scope_richest_first(
    api: httpx.AsyncClient, house: Brokerage, who: str, seen: str
) -> None:
    headers = await house.headers(who)
    assert await numbers(api, headers) == list(seen)
    for number in range(1, 7):
        for part in ("", "/accounts", "/relations", "/contact", "/preferences"):
            answer = await api.get(f"{URL}/8800000{number}{part}", headers=headers)
            assert answer.status_code == (200 if str(number) in seen else 404), (number, part)


async def test_an_administrator_has_no_business_with_customers(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1010")
    for path in (URL, f"{URL}/88000001", "/v1/staff/sync", "/v1/staff/home"):
        assert (await api.get(path, headers=headers)).status_code == 403


@pytest.mark.parametrize("who", ["1001", "1005", "1008"])
@pytest.mark.parametrize(("order", "key"), [("opened", "opened_on"), ("name", "name")])
async def test_other_orders_show_the_same_customers(
    api: httpx.AsyncClient, house: Brokerage, who: str, order: str, key: str
) -> None:
    await house.execute("update customer set opened_on = date '2020-01-01' + (right(customer_no, 1)::int % 3)")
    headers = await house.headers(who)
    seen = await numbers(api, headers, sort=order)
    assert sorted(seen) == sorted(await numbers(api, headers))
    items = (await api.get(URL, params={"sort": order}, headers=headers)).json()["items"]
    values = [one[key] for one in items]
    assert values == sorted(values, reverse=order == "opened")
    assert [one["customer_no"][-1] for one in items] == seen


@pytest.mark.parametrize("who", ["1001", "1005"])
async def test_filters_narrow_the_list(api: httpx.AsyncClient, house: Brokerage, who: str) -> None:
    await house.execute("update customer set status = 'frozen', risk_level = 5 where customer_no = '88000002'")
    headers = await house.headers(who)
    for order in ("assets", "opened", "name"):
        assert await numbers(api, headers, sort=order, status="frozen") == ["2"]
        assert await numbers(api, headers, sort=order, risk_level=5) == ["2"]
        assert await numbers(api, headers, sort=order, kind="institution") == []
        assert sorted(await numbers(api, headers, sort=order, assets_from="300", assets_to="500.01")) == ["1", "3"]


@pytest.mark.parametrize("who", ["1001", "1005", "1008"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("88000002", "2"), ("13800000002", "2"), ("+86 138-0000-0002", "2"), ("王", "12"), ("王一", "1"), ("三", ""),
        ("88000009", ""), ("13900000009", ""), ("%", ""), ("王' or '1'='1", ""),
    ],
)  # fmt: skip
async def test_search_by_number_mobile_and_name(
    api: httpx.AsyncClient, house: Brokerage, who: str, text: str, found: str
) -> None:
    seen = set(await numbers(api, await house.headers(who), q=text))
    assert seen - {"6"} == set(found)
    assert ("6" in seen) == (text == "王" and who == "1008")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("ALICE Smith", "alice smith"), ("alice smith", "ALICE"), ("ＡＬＩＣＥ", "alice"),
        ("阿卜杜拉·买买提", "阿卜杜拉•买"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"), ("阿卜杜拉．买买提", "阿卜杜拉‧"),
        ("J. Smith", "j· smi"), ("Straße", "STRASSE"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("who", ["1001", "1005"])
async def test_a_name_is_found_however_it_is_written(
    api: httpx.AsyncClient, house: Brokerage, who: str, name: str, asked: str
) -> None:
    await house.customer("88000077", "b1", name=name, brokers=["1001"])
    found = (await api.get(URL, params={"q": asked}, headers=await house.headers(who))).json()["items"]
    assert [(one["customer_no"], one["name"]) for one in found] == [("88000077", name)], "shown as it was delivered"


async def test_another_mobile_number_that_was_noted_is_found_too(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1001")
    changed = await api.patch(
        f"{URL}/88000001/contact", json={"mobile": "13911112222"}, headers={**headers, "If-Match": '"0"'}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["mobile"] == "139****2222"
    assert await numbers(api, headers, q="13911112222") == ["1"]
    assert await numbers(api, await house.headers("1002"), q="13911112222") == []


async def test_what_identifies_a_person_is_masked(api: httpx.AsyncClient, house: Brokerage) -> None:
    answer = await api.get(f"{URL}/88000001", headers=await house.headers("1001"))
    assert "13800000001" not in answer.text
    assert ID_NO not in answer.text
    shown = answer.json()
    assert (shown["mobile"], shown["id_no"]) == ("138****0001", "1****************X")
    assert shown["email"] == "8***@example.com"


async def test_a_relation_counts_from_its_first_day_until_before_its_last(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    today, day = days.today(), timedelta(days=1)
    for number, valid_from, valid_to in (
        ("11", today, None), ("12", today + day, None), ("13", date(2020, 1, 1), today),
        ("14", date(2020, 1, 1), today + day),
    ):  # fmt: skip
        await house.customer(f"880000{number}", "b1")
        await house.relate(f"880000{number}", "1003", "develop", valid_from, valid_to)
    assert sorted(await numbers(api, await house.headers("1003"))) == ["1", "4", "4"]


async def test_two_relations_to_one_broker_are_one_customer(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.relate("88000002", "1001", "develop")
    await house.relate("88000002", "1002", "advise")
    assert await numbers(api, await house.headers("1001")) == ["2", "3", "1"]
    assert await numbers(api, await house.headers("1004")) == ["2", "3", "1"]


async def test_a_change_of_contact_needs_the_version_and_leaves_the_rest(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers, url = await house.headers("1001"), f"{URL}/88000001/contact"
    assert (await api.patch(url, json={}, headers=headers)).status_code == 428
    first = await api.patch(url, json={"address": "静安", "wechat": "w"}, headers={**headers, "If-Match": '"0"'})
    second = await api.patch(url, json={"wechat": "v"}, headers={**headers, "If-Match": first.headers["etag"]})
    assert (second.json()["address"], second.json()["wechat"]) == ("静安", "v")
    late = await api.patch(url, json={"wechat": "u"}, headers={**headers, "If-Match": first.headers["etag"]})
    assert late.status_code == 412
    assert [one["field"] for one in late.json()["errors"]] == ["wechat"]
    for wrong in ({"mobile": "12345678901"}, {"email": "x"}, {"address": "a\u202eb"}, {"nickname": "x"}):
        answer = await api.patch(url, json=wrong, headers={**headers, "If-Match": second.headers["etag"]})
        assert answer.status_code == 400, wrong
    assert (await api.patch(url, json={}, headers={**await house.headers("1003"), "If-Match": "*"})).status_code == 404


async def test_preferences_are_kept_whole(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, url = await house.headers("1001"), f"{URL}/88000001/preferences"
    wanted = {"language": "en", "channel": "email", "contact_from": "10:00", "contact_to": "18:00"}
    answer = await api.put(url, json=wanted, headers={**headers, "If-Match": '"0"'})
    assert answer.status_code == 200, answer.text
    read = await api.get(url, headers=headers)
    assert {**wanted, "version": read.json()["version"]} == read.json()
    backwards = {**wanted, "contact_from": "19:00"}
    refused = await api.put(url, json=backwards, headers={**headers, "If-Match": read.headers["etag"]})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "contact_to"


async def test_a_reveal_shows_counts_and_is_audited(
    open_api: Open, own_settings: Settings, house: Brokerage, database: Database
) -> None:
    headers = await house.headers("1001")
    asked = {"field": "mobile", "reason": "he asked me to call back"}
    async with open_api(msgspec.structs.replace(own_settings, reveal_quota=2)) as api:
        answer = await api.post(f"{URL}/88000001/reveal", json=asked, headers=headers)
        assert answer.json() == {"field": "mobile", "value": "+8613800000001", "left": 1}
        assert answer.headers["cache-control"] == "no-store"
        assert (await api.post(f"{URL}/88000004/reveal", json=asked, headers=headers)).status_code == 404
        assert (await api.post(f"{URL}/88000001/reveal", json={"field": "mobile"}, headers=headers)).status_code == 400
        both = await asyncio.gather(*(api.post(f"{URL}/88000002/reveal", json=asked, headers=headers) for _ in "ab"))
        assert sorted(one.status_code for one in both) == [200, 429]
        (refused,) = (one for one in both if one.status_code == 429)
        assert 0 < int(refused.headers["retry-after"]) <= 86_400, "until midnight"
    async with database.transaction() as tx:
        rows = await tx.fetch("select principal, noun_id, reason, after from audit where action = 'customer.reveal'")
        everything = await tx.fetchval("select string_agg(audit::text || payload::text, '') from audit, outbox")
    assert [(row["principal"], row["noun_id"]) for row in rows] == [
        ("staff:1001", "88000001"), ("staff:1001", "88000002"),
    ]  # fmt: skip
    assert rows[0]["reason"] == "he asked me to call back"
    assert json.loads(rows[0]["after"]) == {"field": "mobile"}
    assert "13800000001" not in everything


async def test_what_was_noted_is_revealed_too_and_nothing_counts_nothing(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers, url = await house.headers("1001"), f"{URL}/88000001"
    noted = {"mobile": "13911112222", "email": "wang@example.com"}
    await api.patch(f"{url}/contact", json=noted, headers={**headers, "If-Match": "*"})
    shown = {}
    for field in ("mobile", "id_no", "email", "contact_mobile", "contact_email"):
        answer = await api.post(f"{url}/reveal", json={"field": field, "reason": "回访客户"}, headers=headers)
        shown[field] = answer.json()["value"]
    assert shown == {
        "mobile": "+8613800000001", "id_no": ID_NO, "email": "88000001@example.com", "contact_mobile": "+8613911112222",
        "contact_email": "wang@example.com",
    }  # fmt: skip
    left = answer.json()["left"]
    asked = {"field": "contact_email", "reason": "回访客户"}
    none = await api.post(f"{URL}/88000002/reveal", json=asked, headers=headers)
    assert (none.status_code, none.json()["detail"]) == (404, "nothing is known as contact_email")
    again = await api.post(f"{url}/reveal", json=asked, headers=headers)
    assert again.json()["left"] == left - 1


async def test_compliance_reads_field_and_reason_of_a_reveal_but_no_number_in_it(
    api: httpx.AsyncClient, house: Brokerage
) -> None:
    headers = await house.headers("1001")
    for reason in ("  he asked me to call back ", "his number is 13800000001, I think"):
        asked = {"field": "mobile", "reason": reason}
        assert (await api.post(f"{URL}/88000001/reveal", json=asked, headers=headers)).status_code == 200
    compliance = await house.headers("1009")
    found = (await api.get("/v1/staff/audit", params={"action": "customer.reveal"}, headers=compliance)).json()["items"]
    assert [(one["after"], one["reason"]) for one in found] == [
        ({"field": "mobile"}, "his number is [mobile], I think"), ({"field": "mobile"}, "he asked me to call back"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "blank",
    [
        "",
        "     ",
        "a b c",
        "\u3000\u3000\u3000\u3000\u3000",
        "\u200b" * 9,
        "\ufe0f" * 9,
        "\U000e0100" * 9,
        " abc  \u2060 ",
    ],
)
async def test_a_reason_of_blanks_is_none(api: httpx.AsyncClient, house: Brokerage, blank: str) -> None:
    asked = {"field": "mobile", "reason": blank}
    answer = await api.post(f"{URL}/88000001/reveal", json=asked, headers=await house.headers("1001"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reason")


@pytest.mark.parametrize("amount", ["1_000", "１000", "+1", "1e3", " 1", "NaN", "Infinity", "1.", "9" * 16])
async def test_an_amount_is_plain_digits(api: httpx.AsyncClient, house: Brokerage, amount: str) -> None:
    headers = await house.headers("1001")
    for name in ("assets_from", "assets_to"):
        answer = await api.get(URL, params={name: amount}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, name)
    for name, value in (("limit", "1_0"), ("limit", "１０"), ("risk_level", "０3")):
        assert (await api.get(URL, params={name: value}, headers=headers)).status_code == 400


async def test_a_cursor_is_good_for_its_own_order_alone(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers, orders = await house.headers("1001"), ("assets", "opened", "name")
    for made in orders:
        cursor = (await api.get(URL, params={"sort": made, "limit": "1"}, headers=headers)).json()["next"]
        for order in orders:
            answer = await api.get(URL, params={"sort": order, "cursor": cursor}, headers=headers)
            assert answer.status_code == (200 if order == made else 400), (made, order)


async def test_an_investor_sees_and_changes_themself_alone(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("88000001", "investor")
    assert (await api.get("/v1/investor/me", headers=headers)).json()["customer_no"] == "88000001"
    assert (await api.get("/v1/investor/accounts", headers=headers)).json() == []
    changed = await api.patch("/v1/investor/contact", json={"wechat": "w"}, headers={**headers, "If-Match": '"0"'})
    assert changed.json()["wechat"] == "w"
    other = await house.headers("88000002", "investor")
    assert (await api.get("/v1/investor/contact", headers=other)).json()["wechat"] == ""
    assert (await api.get(URL, headers=headers)).status_code == 401
    gone = await house.headers("88000099", "investor")
    assert (await api.get("/v1/investor/me", headers=gone)).status_code == 404
