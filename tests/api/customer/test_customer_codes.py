"""Whatever number a source system gave a customer, they can be found by it and opened."""

from urllib.parse import quote

import httpx
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage, small

URL = "/v1/staff/customers"


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


@pytest.mark.parametrize(
    "number", ["0101-000123", "A.B", "A:C", "A_B", "A/1", "/", "a//b/", "x" * 32, "2" * 25, "-", "...", "13800000077"]
)
async def test_what_is_listed_is_found_and_opened(api: httpx.AsyncClient, house: Brokerage, number: str) -> None:
    await house.customer(number, "b1", name="李四", mobile_no="13900000099", brokers=["1001"])
    headers, url = await house.headers("1001"), f"{URL}/{quote(number, safe='')}"
    listed = (await api.get(URL, headers=headers)).json()["items"]
    assert number in [one["customer_no"] for one in listed]
    found = (await api.get(URL, params={"q": number}, headers=headers)).json()["items"]
    assert [one["customer_no"] for one in found] == [number]
    for part in ("", "/accounts", "/relations", "/contact", "/preferences"):
        assert (await api.get(url + part, headers=headers)).status_code == 200, part
    assert (await api.get(url, headers=headers)).json()["customer_no"] == number
    assert (await api.get(url, headers=await house.headers("1003"))).status_code == 404
    noted = await api.patch(f"{url}/contact", json={"wechat": "w"}, headers={**headers, "If-Match": '"0"'})
    assert noted.json()["wechat"] == "w"


@pytest.mark.parametrize("number", ["A%2F1", "a%00b", "%252F", "..%2F..%2Fstaff", "x" * 33, "%0A", "88000001%0A"])
async def test_what_is_no_number_is_refused(api: httpx.AsyncClient, house: Brokerage, number: str) -> None:
    answer = await api.get(f"{URL}/{number}", headers=await house.headers("1001"))
    assert answer.status_code in (400, 404), answer.text


async def test_a_slash_inside_a_number_is_no_slash_of_the_route(api: httpx.AsyncClient, house: Brokerage) -> None:
    headers = await house.headers("1001")
    assert (await api.get("/v1/staff%2Fcustomers", headers=headers)).status_code == 404
    assert (await api.get(f"{URL}/88000001%2Faccounts", headers=headers)).status_code == 404


async def test_a_name_that_could_be_a_number_is_found(api: httpx.AsyncClient, house: Brokerage) -> None:
    await house.customer("C-1", "b1", name="3M", brokers=["1001"])
    found = (await api.get(URL, params={"q": "3M"}, headers=await house.headers("1001"))).json()["items"]
    assert [one["customer_no"] for one in found] == ["C-1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("PUT", "preferences", {"contact_from": "09:00\n"}, "contact_from"),
        ("PUT", "preferences", {"contact_to": "21:00\n"}, "contact_to"),
        ("PATCH", "contact", {"email": "a@b.cn\n"}, "email"),
        ("PATCH", "contact", {"wechat": "w\n"}, "wechat"),
        ("PATCH", "contact", {"address": "静安\n"}, "address"),
        ("PATCH", "contact", {"mobile": "13911112222\n"}, "mobile"),
    ],
)
async def test_a_line_break_at_the_end_is_refused(
    api: httpx.AsyncClient, house: Brokerage, method: str, path: str, body: dict[str, str], field: str
) -> None:
    whole = {"language": "zh", "channel": "sms", "contact_from": "09:00", "contact_to": "21:00"}
    sent = {**whole, **body} if path == "preferences" else body
    headers = {**await house.headers("1001"), "If-Match": "*"}
    answer = await api.request(method, f"{URL}/88000001/{path}", json=sent, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.text


@pytest.mark.parametrize(
    ("email", "shown"),
    [("13800138000", "********"), ("first@x1.cn;second.one@y1.cn", "********"), ("无", "*"), ("z@x1.cn", "z***@x1.cn")],
)
async def test_an_address_that_is_none_is_hidden_whole(
    api: httpx.AsyncClient, house: Brokerage, email: str, shown: str
) -> None:
    customer = house.customers["88000001"]
    await house.execute("update customer set email = $1 where id = $2", email, customer)
    await house.execute("insert into contact (customer_id, email) values ($2, $1)", email, customer)
    headers, url = await house.headers("1001"), f"{URL}/88000001"
    assert (await api.get(url, headers=headers)).json()["email"] == shown
    assert (await api.get(f"{url}/contact", headers=headers)).json()["email"] == shown
    own = await house.headers("88000001", "investor")
    assert (await api.get("/v1/investor/me", headers=own)).json()["email"] == shown
    synced = (await api.get("/v1/investor/sync", headers=own)).json()
    assert (synced["customer"]["email"], synced["contact"]["email"]) == (shown, shown)
