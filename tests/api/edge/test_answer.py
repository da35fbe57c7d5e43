"""Conditional requests: what the client has already is not sent again, and what changed is."""

import httpx

from tests.api.conftest import SignIn

URL = "/v1/staff/calendar?from=2026-11-23&to=2026-11-27"


async def test_a_list_that_did_not_change_is_not_sent_again(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    first = await api.get(URL, headers=headers)
    again = await api.get(URL, headers={**headers, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await api.put("/v1/staff/calendar/2026-11-24", json={"open": False}, headers={**headers, "If-Match": '"0"'})
    changed = await api.get(URL, headers={**headers, "If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_several_tags_and_any_tag_are_understood(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    tag = (await api.get(URL, headers=headers)).headers["etag"]
    several = await api.get(URL, headers={**headers, "If-None-Match": f'"other", {tag}'})
    any_tag = await api.get(URL, headers={**headers, "If-None-Match": "*"})
    other = await api.get(URL, headers={**headers, "If-None-Match": '"other"'})
    assert [several.status_code, any_tag.status_code, other.status_code] == [304, 304, 200]


async def test_an_answer_is_compressed_when_the_client_can(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "Accept-Encoding": "br"}
    brotli = await api.get("/v1/staff/calendar?from=2026-01-01&to=2026-03-01", headers=headers)
    gzip = await api.get(
        "/v1/staff/calendar?from=2026-01-01&to=2026-03-01", headers={**headers, "Accept-Encoding": "gzip"}
    )
    assert (brotli.headers["content-encoding"], gzip.headers["content-encoding"]) == ("br", "gzip")
    assert brotli.json() == gzip.json()


async def test_if_match_in_another_form_is_refused(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "If-Match": '"abc"'}
    answer = await api.put("/v1/staff/calendar/2026-11-24", json={"open": False}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


async def test_any_version_will_do_when_there_is_one(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "If-Match": "*"}
    url = "/v1/staff/calendar/2026-11-24"
    none = await api.put(url, json={"open": False}, headers=headers)
    await api.put(url, json={"open": False}, headers={**headers, "If-Match": '"0"'})
    some = await api.put(url, json={"open": True}, headers=headers)
    assert (none.status_code, some.status_code) == (412, 200)
