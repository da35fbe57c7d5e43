"""What a client prefers is what it gets, and what it refuses it does not get."""

import httpx
import pytest

from tests.api.conftest import SignIn

LONG = "/v1/staff/calendar?from=2026-01-01&to=2026-03-01"


@pytest.mark.parametrize(("told", "given"), [("br;q=0", None), ("gzip;q=0", None), ("gzip;q=0.5, br;q=0.4", "gzip")])
async def test_a_coding_that_is_refused_is_not_used(
    api: httpx.AsyncClient, sign_in: SignIn, told: str, given: str | None
) -> None:
    answer = await api.get(LONG, headers={**await sign_in(), "Accept-Encoding": told})
    assert answer.headers.get("content-encoding") == given


@pytest.mark.parametrize("told", ["br", "identity", ""])
async def test_caches_know_what_an_answer_depends_on(api: httpx.AsyncClient, sign_in: SignIn, told: str) -> None:
    for path in (LONG, "/v1/nowhere", "/v1/auth/keys"):
        answer = await api.get(path, headers={**await sign_in(), "Accept-Encoding": told})
        (varying,) = answer.headers.get_list("vary")
        assert {"Accept-Encoding", "Origin"} <= {one.strip() for one in varying.split(",")}
        assert varying.count("Accept-Encoding") == 1


async def test_languages_in_several_lines_are_one_list(api: httpx.AsyncClient) -> None:
    lines = [("Accept-Language", "fr"), ("Accept-Language", "zh;q=0.2, en")]
    for path in ("/v1/staff/jobs", "/v1/auth/keys?x=1"):
        request = api.build_request("GET", path)
        request.headers.pop("accept-language")
        request.headers = httpx.Headers([*request.headers.multi_items(), *lines])
        assert (await api.send(request)).headers["content-language"] == "en"
