"""Pages of listed origins may ask and read; others get an answer that their browser keeps from them."""

import msgspec
import pytest

from kernel.settings import Settings
from tests.api.conftest import Open, SignIn

PAGE = "https://app.example.com"


@pytest.fixture
def listed(own_settings: Settings) -> Settings:
    """Settings with one origin."""
    return msgspec.structs.replace(own_settings, origins=PAGE)


async def test_a_listed_page_reads_the_answer_and_its_headers(
    open_api: Open, listed: Settings, sign_in: SignIn
) -> None:
    async with open_api(listed) as api:
        for path, status in (("/v1/staff/calendar/2026-11-23", 200), ("/v1/nowhere", 404), ("/v1/staff/%00", 400)):
            answer = await api.get(path, headers={**await sign_in(), "Origin": PAGE})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PAGE)
            assert "ETag" in answer.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in answer.headers


async def test_a_browser_may_ask_before_it_asks(open_api: Open, listed: Settings) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match"}
    async with open_api(listed) as api:
        answer = await api.options("/v1/staff/calendar/2026-11-23", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "If-Match" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-max-age"] == "7200"


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://localhost:5173", "null", f"{PAGE}:8443"])
async def test_other_pages_are_not_let_in(open_api: Open, listed: Settings, origin: str) -> None:
    async with open_api(listed) as api:
        for headers in ({"Origin": origin}, {"Origin": origin, "Access-Control-Request-Method": "GET"}):
            for method in ("GET", "OPTIONS"):
                answer = await api.request(method, "/v1/auth/keys", headers=headers)
                assert not {name for name in answer.headers if name.startswith("access-control")}
                assert "Origin" in answer.headers["vary"]
