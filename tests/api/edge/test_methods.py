"""An address tells which methods it offers."""

import httpx
import pytest

from api.edge.methods import allowed

DAY = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}


@pytest.mark.parametrize(
    ("path", "offered"),
    [
        ("/v1/staff/calendar/2026-11-23", DAY),
        ("/v1/auth/keys", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/auth/refresh", {"POST", "OPTIONS"}),
    ],
)
async def test_options_and_a_refusal_name_the_same(api: httpx.AsyncClient, path: str, offered: set[str]) -> None:
    for method, status in (("OPTIONS", 204), ("PATCH", 405)):
        answer = await api.request(method, path)
        named = {one.strip() for one in answer.headers["allow"].split(",")}
        assert (answer.status_code, named) == (status, offered)


def test_head_is_where_get_is() -> None:
    assert (allowed("OPTIONS, GET"), allowed("POST")) == ("GET, HEAD, OPTIONS", "POST")
