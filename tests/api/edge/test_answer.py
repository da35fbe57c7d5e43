"""Conditional requests: what the client has already is not sent again, and what changed is."""

import httpx

from kernel.settings import Settings
from kernel.store.lineage import restored
from tests.api.conftest import Open, SignIn

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


async def test_a_version_that_the_database_forgot_is_neither_unchanged_nor_changed(
    open_api: Open, own_settings: Settings, sign_in: SignIn
) -> None:
    headers, url = await sign_in(), "/v1/staff/calendar/2026-11-24"
    async with open_api(own_settings) as api:
        await api.put(url, json={"open": False}, headers={**headers, "If-Match": '"0"'})
        tag = (await api.get(url, headers=headers)).headers["etag"]
        assert (await api.get(url, headers={**headers, "If-None-Match": tag})).status_code == 304
    await restored(own_settings.owner_url, "the disk was lost")
    async with open_api(own_settings) as api:
        read = await api.get(url, headers={**headers, "If-None-Match": tag})
        lost = await api.put(url, json={"open": True}, headers={**headers, "If-Match": tag})
        both = f"{tag}, {read.headers['etag']}"
        assert (read.status_code, lost.status_code, lost.json()["code"]) == (200, 412, "version_conflict")
        assert (await api.put(url, json={"open": True}, headers={**headers, "If-Match": both})).status_code == 200


async def test_of_several_versions_the_newest_counts_however_they_are_listed(
    api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    headers, url = await sign_in(), "/v1/staff/calendar/2026-11-24"
    tags = ['"0"']
    for _ in range(2):
        answer = await api.put(url, json={"open": False}, headers={**headers, "If-Match": ", ".join(tags)})
        assert answer.status_code == 200
        tags.append(f"W/{answer.headers['etag']}")
    lines = [*headers.items(), *(("If-Match", tag) for tag in tags)]
    assert (await api.put(url, json={"open": False}, headers=lines)).status_code == 200
    assert (await api.put(url, json={"open": False}, headers=lines)).status_code == 412


async def test_tags_in_several_lines_are_one_list(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    headers = await sign_in()
    tag = (await api.get(URL, headers=headers)).headers["etag"]
    lines = [*headers.items(), ("If-None-Match", '"other"'), ("If-None-Match", tag)]
    assert (await api.get(URL, headers=lines)).status_code == 304
