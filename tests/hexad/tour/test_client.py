"""An app says plainly what was refused, what is not answered, and what comes over a socket that is no answer."""

import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from hexad.tour.client import Answer, App
from hexad.tour.promise import Broken
from tests.hexad.running import Up

pytestmark = pytest.mark.xdist_group("up")


@contextlib.asynccontextmanager
async def app(base: str, socket: str) -> AsyncIterator[App]:
    """An app of staff that knows these addresses."""
    async with httpx2.AsyncClient(base_url=base, timeout=30, trust_env=False) as http:
        yield App(http, socket, "staff")


@pytest.fixture
async def stranger(system: Up) -> AsyncIterator[App]:
    """Somebody at the door of the running system."""
    async with app(system.url(""), f"ws://127.0.0.1:{system.environment['HEXAD_REALTIME_PORT']}/ws") as made:
        yield made


async def test_a_refusal_is_told_with_its_code(stranger: App) -> None:
    with pytest.raises(Broken, match=r"^GET /customers is refused: 401 not_signed_in"):
        await stranger.get("/customers")
    await stranger.refused(401, "not_signed_in", "GET", "/customers")
    with pytest.raises(Broken, match="is answered 401 not_signed_in, not 404 not_found"):
        await stranger.refused(404, "not_found", "GET", "/customers")


async def test_a_wrong_sign_in_is_told(stranger: App) -> None:
    with pytest.raises(Broken, match=r"^POST staff/sign-in is refused: 401 wrong_credentials"):
        await stranger.sign_in("staff/sign-in", {"employee_no": "1", "password": "x", "totp": "000000"})


def test_a_refusal_says_how_long_to_wait() -> None:
    refused = Answer(429, {"code": "rate_limited", "title": "Too many requests."}, "90")
    assert refused.why == "rate_limited Too many requests. again in 90 s"
    assert Answer(502, None).why == ""


async def test_a_socket_that_is_closed_is_told(stranger: App) -> None:
    stranger.token = "wrong"
    with pytest.raises(Broken, match=r"is refused: |the socket is closed"):
        async with stranger.line():
            pass


async def test_nobody_there_is_told() -> None:
    async with app("http://127.0.0.1:1", "ws://127.0.0.1:1/ws") as nobody:
        with pytest.raises(Broken, match=r"^GET /v1/staff/me is not answered: ConnectError"):
            await nobody.get("/me")
        with pytest.raises(Broken, match="cannot be connected to"):
            async with nobody.line():
                pass
