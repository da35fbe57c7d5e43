"""The client of the advisory platform: whatever the platform does, it ends in time and in one sentence."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.settings import Settings, advisory_address
from tests.hexad.simulators.test_ledger import order
from workers.product import advisory
from workers.product.advisory import Advisory

GOOD = {"contract_no": "K1", "customer_no": "C1", "product_code": "P1", "kind": "service", "signed_on": "2026-01-02"}


class _Odd(BaseHTTPRequestHandler):
    """Answers with whatever the test wants."""

    status, body, silent = 200, b"", False

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.silent:
            threading.Event().wait(3)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def odd() -> Iterator[tuple[type[_Odd], Settings]]:
    """A platform that answers oddly, and the settings that lead to it."""

    class Answers(_Odd):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Answers, Settings(advisory_url=f"http://127.0.0.1:{server.server_address[1]}/")
        server.shutdown()


def items(*positions: int) -> bytes:
    """Contracts at these positions."""
    return json.dumps({"items": [{"position": one, "contract": GOOD} for one in positions]}).encode()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (500, b"{}", "answers 500"), (302, b"", "answers 302"), (401, b"{}", "answers 401"), (200, b"", "nonsense"),
        (200, b"<html>", "nonsense"), (200, b'{"status": "maybe"}', "nonsense"), (200, b"[" * 100_000, "nonsense"),
        (200, b'{"status": "accepted", "contract": {"contract_no": "no \\n code"}}', "nonsense"),
        (200, b'{"status": "refused", "reason": "\\u0000"}', "nonsense"),
        (200, json.dumps({"status": "accepted", "contract": {**GOOD, "ended_on": "2026-01-01"}}).encode(), "nonsense"),
        (200, b" " * (2 << 20), "too large"),
    ],
)  # fmt: skip
async def test_nonsense_is_one_sentence_without_what_was_said(odd: Any, status: int, body: bytes, why: str) -> None:
    answers, settings = odd
    answers.status, answers.body = status, body
    async with Advisory(settings) as client:
        with pytest.raises(Unavailable, match=why) as refused:
            await client.order(order())
    assert "maybe" not in refused.value.detail


@pytest.mark.parametrize("body", [items(6, 5), items(3), items(4), items(5, 5), items(*range(5, 300))])
async def test_contracts_out_of_order_are_nonsense(odd: Any, body: bytes) -> None:
    answers, settings = odd
    answers.body = body
    async with Advisory(settings) as client:
        with pytest.raises(Unavailable, match="rising order"):
            await client.read(4)


async def test_contracts_in_order_are_read(odd: Any) -> None:
    answers, settings = odd
    answers.body = items(5, 9)
    async with Advisory(settings) as client:
        assert [one.position for one in (await client.read(4)).items] == [5, 9]


async def test_silence_and_nobody_there_end_in_time(
    odd: Any, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    monkeypatch.setattr(advisory, "CALL_SECONDS", 0.2)
    answers, settings = odd
    answers.silent = True
    nobody = msgspec.structs.replace(settings, advisory_url=f"http://127.0.0.1:{free_port()}")
    for one in (settings, nobody):
        async with Advisory(one) as client:
            with pytest.raises(Unavailable, match="does not answer"):
                await client.cancel(order().subscription_id)


def test_without_an_address_it_is_the_simulated_one() -> None:
    assert advisory_address(Settings()) == "http://127.0.0.1:8007"
    assert advisory_address(Settings(simulator_host="::1")) == "http://[::1]:8007"
    assert advisory_address(Settings(advisory_url="https://advisory.example/")) == "https://advisory.example"


BAD: list[dict[str, Any]] = [
    {}, {"kind": "vip"}, {"contract_no": "no \n code"}, {"ended_on": "2026-01-01"}, {"signed_on": "2026-02-30"},
    {"customer_no": None},
]  # fmt: skip


async def test_a_contract_that_makes_no_sense_keeps_no_other_back(odd: Any) -> None:
    answers, settings = odd
    page = [{"position": number, "contract": {**GOOD, **bad}} for number, bad in enumerate(BAD, 5)]
    answers.body = json.dumps({"items": [*page, {"position": 20}, {"position": 21, "contract": GOOD}]}).encode()
    async with Advisory(settings) as client:
        read = await client.read(4)
    assert [one.position for one in read.items] == [5, 21]
    assert read.nonsense == [6, 7, 8, 9, 10, 20]
    assert read.positions[-1] == 21


@pytest.mark.parametrize("item", [{}, {"position": "x", "contract": GOOD}, 4, {"position": 0, "contract": GOOD}])
async def test_what_has_no_position_is_nonsense(odd: Any, item: Any) -> None:
    answers, settings = odd
    answers.body = json.dumps({"items": [item]}).encode()
    async with Advisory(settings) as client:
        with pytest.raises(Unavailable, match="nonsense"):
            await client.read(4)
