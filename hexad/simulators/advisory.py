"""The simulated advisory platform (投顾平台): an HTTP API that takes subscriptions and gives contracts.

`POST /v1/subscriptions`, `POST /v1/subscriptions/{id}/cancel`, `GET /v1/contracts?after=&limit=`; docs/architecture.md
says what real ones have to offer.
"""

import contextlib
import hmac
import random
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from hexad import ports
from hexad.simulators.ledger import Ledger
from kernel.settings import Settings
from kernel.telemetry import logs
from mobile_contracts.product.advisory import Order

NONSENSE = b'{"status": "accepted", "contract": {"contract_no": 7}}<html>'
_BODY = 64 << 10
_SECONDS = 10.0
_READ_AT_MOST = 500
_NOTHING = {"error": "there is no such thing"}
_CANCEL = re.compile(r"/v1/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/cancel")


class Manner(Struct, frozen=True):
    """How it misbehaves: seconds before each answer, shares (0 to 1) down, nonsense, refused; `later` decides later."""

    delay: float = 0.0
    down: float = 0.0
    nonsense: float = 0.0
    refuse: float = 0.0
    later: bool = False


def run(settings: Settings, manner: Manner) -> None:
    """Serves until SIGTERM or SIGINT."""
    logs.configure("advisory_simulator", settings)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serving(settings, manner):
        stop.wait()


@contextlib.contextmanager
def serving(settings: Settings, manner: Manner) -> Iterator["Platform"]:
    """Serves on threads of its own; raises `Unavailable` when the port cannot be had."""
    with ports.explained(settings, "advisory_simulator_port"):
        platform = Platform(settings, manner)
    threading.Thread(target=platform.serve_forever, args=(0.1,), name="advisory", daemon=True).start()
    try:
        yield platform
    finally:
        platform.shutdown()
        platform.server_close()


class Platform(ThreadingHTTPServer):
    """The server; `manner` may be changed while it runs."""

    daemon_threads = True

    def __init__(self, settings: Settings, manner: Manner) -> None:
        settings.var.mkdir(parents=True, exist_ok=True)
        self.ledger, self.manner, self.token = Ledger(settings.var), manner, settings.advisory_token
        self.chance = random.Random(1)  # noqa: S311  # a coin for a simulator
        self.address_family = socket.AF_INET6 if ":" in settings.simulator_host else socket.AF_INET
        super().__init__((settings.simulator_host, settings.advisory_simulator_port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Platform
    timeout = _SECONDS
    server_version, sys_version = "hexad", ""

    def do_GET(self) -> None:  # the name is http.server's
        address = urlsplit(self.path)
        if address.path in ("/health/live", "/health/ready"):
            self._answer(200, {"status": "ok"})
        elif not self._behaves():
            pass
        elif address.path == "/v1/contracts":
            asked = parse_qs(address.query)
            self._contracts(asked.get("after", ["0"])[0], asked.get("limit", ["100"])[0])
        else:
            self._answer(404, _NOTHING)

    def do_POST(self) -> None:  # the name is http.server's
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _BODY:
            self._answer(413, {"error": "the body is too large, or of unknown length"})
            return
        body = self.rfile.read(int(length))
        if not self._behaves():
            return
        if self.path == "/v1/subscriptions":
            self._take(body)
        elif match := _CANCEL.fullmatch(self.path):
            self._answer(200, self.server.ledger.cancel(UUID(match[1])))
        else:
            self._answer(404, _NOTHING)

    def _take(self, body: bytes) -> None:
        order, manner = _order(body), self.server.manner
        if order is None or self.headers.get("Idempotency-Key") != str(order.subscription_id):
            self._answer(400, {"error": "this is no subscription under its own Idempotency-Key"})
            return
        refuse = self.server.chance.random() < manner.refuse
        self._answer(200, self.server.ledger.take(order, refuse=refuse, later=manner.later))

    def _contracts(self, after: str, limit: str) -> None:
        if after.isdigit() and len(after) < 19 and limit.isdigit() and 0 < int(limit[:9]) <= _READ_AT_MOST:
            self._answer(200, self.server.ledger.read(int(after), int(limit)))
        else:
            self._answer(400, {"error": f"after is a position, limit at most {_READ_AT_MOST}"})

    def _behaves(self) -> bool:
        """Whether it answers as it should: who asks must bear the token, and the manner may be bad."""
        manner, chance = self.server.manner, self.server.chance
        given = self.headers.get("Authorization", "").encode()
        if self.server.token and not hmac.compare_digest(given, f"Bearer {self.server.token}".encode()):
            self._answer(401, {"error": "who is there?"})
            return False
        time.sleep(manner.delay)
        if chance.random() < manner.down:
            self._answer(503, {"error": "down"})
        elif chance.random() < manner.nonsense:
            self._send(200, NONSENSE)
        else:
            return True
        return False

    def _answer(self, status: int, content: Any) -> None:
        self._send(status, msgspec.json.encode(content))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
        """Requests are not logged: numbers of customers stand in them."""


def _order(body: bytes) -> Order | None:
    try:
        return msgspec.json.decode(body, type=Order)
    except (msgspec.MsgspecError, ValueError):
        return None
