"""What every request meets first: its id, bounds, limits, the app's version; and honest refusals."""

import asyncio

import httpx
import msgspec
import pytest

from api.edge.gate import version
from kernel.settings import Settings
from tests.api.conftest import Open, SignIn


async def test_every_answer_bears_an_id_and_safe_headers(api: httpx.AsyncClient) -> None:
    given = await api.get("/nowhere", headers={"X-Request-Id": "from-the-phone-1"})
    made = await api.get("/nowhere", headers={"X-Request-Id": "bad id\x7f"})
    assert given.headers["x-request-id"] == given.json()["request_id"] == "from-the-phone-1"
    assert made.headers["x-request-id"] != "bad id\x7f"
    assert given.headers["x-content-type-options"] == "nosniff"


async def test_a_route_that_is_not_there_and_a_wrong_method_are_problems(api: httpx.AsyncClient) -> None:
    missing, wrong = await api.get("/v1/staff/nothing"), await api.request("PATCH", "/v1/auth/keys")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert missing.headers["content-type"] == wrong.headers["content-type"] == "application/problem+json"


async def test_messages_come_in_the_language_that_is_asked_for(api: httpx.AsyncClient) -> None:
    chinese = await api.get("/v1/staff/jobs", headers={"Accept-Language": "fr, zh-CN;q=0.8, en;q=0.1"})
    english = await api.get("/v1/staff/jobs", headers={"Accept-Language": "en-GB"})
    assert (chinese.status_code, chinese.headers["content-language"]) == (401, "zh-CN")
    assert "登录" in chinese.json()["title"]
    assert english.json()["title"].startswith("Sign in first")


async def test_an_old_app_is_told_where_to_update(open_api: Open, own_settings: Settings) -> None:
    settings = msgspec.structs.replace(own_settings, minimum_app_version="2.10.0", store_url="https://store.test/hexad")
    async with open_api(settings) as client:
        old = await client.get("/v1/auth/keys", headers={"X-App-Version": "2.9.9"})
        new = await client.get("/v1/auth/keys", headers={"X-App-Version": "2.10.0"})
    assert (old.status_code, old.json()["code"], new.status_code) == (426, "app_too_old", 200)
    assert "https://store.test/hexad" in old.headers["link"]


async def test_who_asks_too_often_is_told_when_to_come_back(open_api: Open, own_settings: Settings) -> None:
    settings = msgspec.structs.replace(own_settings, rate_per_address=1.0, rate_burst=3.0)
    async with open_api(settings) as client:
        answers = [await client.get("/v1/auth/keys") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[3].json()["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 2


async def test_who_is_known_to_be_signed_in_is_not_kept_out_by_strangers_of_the_same_address(
    open_api: Open, own_settings: Settings, sign_in: SignIn
) -> None:
    settings = msgspec.structs.replace(own_settings, rate_per_address=0.001, rate_burst=2000.0, rate_per_principal=50.0)
    async with open_api(settings) as client:
        known, unknown = await sign_in(subject="1"), {"Authorization": "Bearer made-up"}
        assert (await client.get("/v1/staff/jobs", headers=known)).status_code == 200
        assert (await client.get("/v1/auth/keys")).status_code == 200
        assert [(await client.get("/v1/auth/keys", headers=one)).status_code for one in ({}, unknown)] == [429, 429]
        assert (await client.get("/v1/staff/jobs", headers=known)).status_code == 200


async def test_a_principal_has_a_limit_of_its_own(open_api: Open, own_settings: Settings, sign_in: SignIn) -> None:
    settings = msgspec.structs.replace(own_settings, rate_per_principal=1.0, rate_burst=2.0)
    async with open_api(settings) as client:
        busy, other = await sign_in(subject="1"), await sign_in(subject="2")
        answers = [(await client.get("/v1/staff/jobs", headers=busy)).status_code for _ in range(3)]
        assert answers == [200, 200, 429]
        assert (await client.get("/v1/staff/jobs", headers=other)).status_code == 200


async def test_overload_is_refused_at_once(open_api: Open, own_settings: Settings, sign_in: SignIn) -> None:
    settings = msgspec.structs.replace(own_settings, api_inflight=2, pool_size=1)
    async with open_api(settings) as client:
        headers = await sign_in()
        answers = await asyncio.gather(*(client.get("/v1/staff/jobs", headers=headers) for _ in range(20)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert refused[0].json()["code"] == "overloaded"
    assert refused[0].headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/customers?q=%CD%F5", 400),
        ("/v1/staff/jobs?state=%00", 400),
        ("/v1/staff/%00", 400),
        ("/v1/auth/keys?" + "x" * 9000, 400),
    ],
)
async def test_hostile_addresses_are_refused(api: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await api.get(path)).status_code == status


@pytest.mark.parametrize("host", ["a@b", "a b", "a/b", "x:y", "[::1", "a\\b", "x:123456"])
async def test_a_host_that_is_none_is_refused(api: httpx.AsyncClient, host: str) -> None:
    request = api.build_request("GET", "/v1/auth/keys", headers=[("Host", host)])
    answer = await api.send(request)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("host", ["x", "X.example:8000", "[::1]:80", "a_b", "127.0.0.1", "x:"])
async def test_a_host_is_a_name_or_an_address(api: httpx.AsyncClient, host: str) -> None:
    assert (await api.send(api.build_request("GET", "/v1/auth/keys", headers=[("Host", host)]))).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Content-Type", "Idempotency-Key", "X-Hexad-Gateway", "X-Hexad-Timestamp", "X-Hexad-Signature"],
)
async def test_a_header_of_which_there_is_one_does_not_come_twice(api: httpx.AsyncClient, name: str) -> None:
    request = api.build_request("GET", "/v1/auth/keys", headers=[("Host", "x"), (name, "a"), (name, "b")])
    answer = await api.send(request)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert name in answer.json()["detail"]


async def test_a_part_of_a_thing_is_not_taken_for_the_whole(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "If-Match": '"0"', "Content-Range": "bytes 0-13/99"}
    answer = await api.put("/v1/staff/calendar/2026-11-23", json={"open": True}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"open": ' * 5000 + b"1" + b"}" * 5000, 400),
        (b'{"open": true, "note": "\\u0000"}', 400),
        (b'{"open": true, "note": "\\\\u0000"}', 200),
        (b'{"open": true, "note": "\xff\xfe"}', 400),
        (b'{"open": true, "note": "\\ud800"}', 400),
        (b'{"open": NaN}', 400),
        (b'{"open": 1' + b"0" * 4300 + b"}", 400),
        (b'{"open": true, "open": false}', 200),
        (b'{"open": true}' + b" " * (2 << 20), 413),
        (b"null", 400),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_hostile_bodies_are_refused(api: httpx.AsyncClient, sign_in: SignIn, body: bytes, status: int) -> None:
    headers = {**await sign_in(), "If-Match": '"0"', "Content-Type": "application/json"}
    answer = await api.put("/v1/staff/calendar/2026-11-23", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["code"] in ("invalid_input", "too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "identity, br"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=gbk"},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_a_body_that_is_not_json_in_utf8_is_refused(
    api: httpx.AsyncClient, sign_in: SignIn, headers: dict[str, str]
) -> None:
    every = {**await sign_in(), "If-Match": '"0"', "Content-Type": "application/json", **headers}
    answer = await api.put("/v1/staff/calendar/2026-11-23", content=b'{"open": true}', headers=every)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_a_head_is_a_get_without_its_body(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    got = await api.get("/v1/staff/calendar/2026-11-23", headers=headers)
    head = await api.head("/v1/staff/calendar/2026-11-23", headers=headers)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])
    assert head.headers["content-length"] == got.headers["content-length"]
    assert (await api.head("/health/live")).status_code == 200


def test_versions_compare_as_numbers() -> None:
    assert version("2.10") > version("2.9.12")
    assert version("") == version("x.y.z") == (0, 0, 0)
