"""Who may open a WebSocket, decided on the headers."""

from typing import Any

import pytest

from kernel.settings.origins import Origins
from realtime.handshake import Handshake

LISTED = ["https://app.example.com", "http://localhost:5173", "https://[2001:db8::1]:8443"]


def status(
    *origins: str, path: str = "/ws", query: bytes = b"", subprotocols: tuple[str, ...] = ("hexad.v1",)
) -> int | None:
    scope: dict[str, Any] = {
        "path": path,
        "headers": [(b"Origin", origin.encode("latin-1")) for origin in origins],
        "query_string": query,
        "subprotocols": [*subprotocols],
    }
    refusal = Handshake(Origins(LISTED)).refusal(scope)
    return refusal.status if refusal else None


@pytest.mark.parametrize("path", ["/", "/wss", "/ws/x", "/WS", "/health/live", ""])
def test_there_is_one_address(path: str) -> None:
    assert status(path=path) == 404
    assert status(path="/ws/") is None


def test_apps_send_no_origin_and_come_in() -> None:
    assert status() is None


@pytest.mark.parametrize(
    "origin",
    [*LISTED, "HTTPS://App.Example.com", "https://app.example.com:443", "https://[2001:DB8::1]:8443"],
)
def test_a_listed_origin_comes_in_however_it_is_written(origin: str) -> None:
    assert status(origin) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example.com", "https://app.example.com:8443", "https://evil.example.com", "https://example.com",
        "https://app.example.com.evil.com", "https://app.example.com@evil.com", "https://x@app.example.com", "null", "",
        "http://localhost", "https://app.example.com/", "https://app.example.com:99999", "https://[::1", "*",
    ],
)  # fmt: skip
def test_any_other_origin_is_refused(origin: str) -> None:
    assert status(origin) == 403


def test_one_bad_origin_among_two_is_enough() -> None:
    assert status(LISTED[0], "https://evil.example.com") == 403


def test_a_token_in_the_address_is_refused() -> None:
    assert status(query=b"token=abc") == 400


@pytest.mark.parametrize("offered", [(), ("hexad.v2",), ("graphql-ws", "HEXAD.V1")])
def test_the_subprotocol_must_be_asked_for(offered: tuple[str, ...]) -> None:
    assert status(subprotocols=offered) == 400
    assert status(subprotocols=(*offered, "hexad.v1")) is None
