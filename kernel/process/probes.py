"""The health and metrics port of processes that serve no HTTP of their own: worker, relay, beat and mailer."""

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

from kernel.errors import Unavailable
from kernel.process.address import inside, networks
from kernel.settings import PREFIX, Settings
from kernel.telemetry import metrics

Check = Callable[[], str | None]
"""What is wrong, null when nothing is; called for every question about readiness, so it must be quick."""

_REQUESTS_AT_ONCE = 8
_CLIENT_SECONDS = 5.0


class Probes:
    """Answers GET /health/live, /health/ready and, to HEXAD_METRICS_FROM, /metrics on a thread, as a context manager.

    Alive means that the main loop called `beat` within `patience` seconds; ready, that no check names a problem.
    `instance` tells of which database the process is.
    """

    def __init__(
        self,
        process: Literal["worker", "relay", "beat", "mailer", "sms_simulator"],
        settings: Settings,
        checks: Mapping[str, Check],
        patience: float = 30.0,
        instance: Callable[[], str] = str,
    ) -> None:
        self.address = (settings.probe_host, int(getattr(settings, f"{process}_port")))
        self.metrics_from = networks(settings.metrics_from)
        self._process, self._checks, self._patience, self.instance = process, checks, patience, instance
        self._beaten = time.monotonic()
        self._server: _Server | None = None

    def beat(self) -> None:
        """The main loop says that it still turns."""
        self._beaten = time.monotonic()

    def start(self) -> None:
        """Begins to answer; raises `Unavailable` naming the setting when the port cannot be had."""
        self.beat()
        try:
            self._server = _Server(self.address, self)
        except OSError as error:
            host, port = self.address
            variable = f"{PREFIX}{self._process.upper()}_PORT"
            raise Unavailable(
                f"{host}:{port} cannot be listened on ({error.strerror}): set {variable} to a free port,"
                f" or {PREFIX}PROBE_HOST to an address of this host"
            ) from error
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="probes", daemon=True).start()

    def stop(self) -> None:
        """Stops answering and frees the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def live(self) -> list[str]:
        """Why the process should be started anew; empty when it need not be."""
        silent = time.monotonic() - self._beaten
        return [f"the main loop has not turned for {silent:.0f} s"] if silent > self._patience else []

    def ready(self) -> list[str]:
        """Why the process cannot do its work now, check by check; empty when it can."""
        return self.live() + [f"{name}: {problem}" for name, check in self._checks.items() if (problem := _ask(check))]


def _ask(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  # a check that fails to run is a problem like any other
        return type(error).__name__


def _cut(request: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself
        request.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16
    allow_reuse_port = False

    def __init__(self, address: tuple[str, int], probes: Probes) -> None:
        self.probes, self._free = probes, threading.Semaphore(_REQUESTS_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        cut = threading.Timer(_CLIENT_SECONDS, _cut, (request,))  # the handler's own limit begins anew with each byte
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logging.getLogger(__name__).debug("a health request was broken off")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_SECONDS
    server_version, sys_version = "hexad", ""

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/health/live":
                self._health(self.server.probes.live())
            case "/health/ready":
                self._health(self.server.probes.ready())
            case "/metrics" if inside(self.client_address[0], self.server.probes.metrics_from):
                self._answer(200, *metrics.render())
            case _:
                self._health(["there is /health/live, /health/ready and /metrics"], 404)

    def _health(self, problems: list[str], bad: int = 503) -> None:
        said = {
            "status": "failing" if problems else "ok",
            "problems": problems,
            "instance": self.server.probes.instance(),
        }
        body = json.dumps(said).encode()
        self._answer(bad if problems else 200, body, "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        """Health requests are not logged: there is one every few seconds."""
