"""One request on its way: its id, its trace, the headers of every answer, access log, metrics."""

import contextlib
import logging
import time
from collections.abc import Sequence
from functools import cache
from typing import Any

from litestar.types import Message, Send
from prometheus_client import Counter, Histogram

from api.edge import problem
from api.edge.headers import header, listed, new_request_id
from api.edge.limits import Allowance
from kernel.errors import AppTooOld, HexadError, RateLimited
from kernel.settings import Settings
from kernel.telemetry import logs, metrics, tracing

UNLIMITED = ("/health/", "/metrics")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


_VARY = (b"Accept-Encoding", b"Origin")
Header = tuple[bytes, bytes]


class Passage:
    """One request on its way through: what is known of it, and what was answered."""

    def __init__(self, scope: Any, send: Send, address: str, every: Sequence[Header] = ()) -> None:
        """`every` are headers that each answer to this request bears."""
        self.address, self.path, self.allowance = address, str(scope["path"]), Allowance(0, 0, 0.0, 0.0)
        self._scope, self._send, self._started, self._status, self._size = scope, send, time.perf_counter(), 499, 0
        self.request_id = scope["hexad_request_id"] = new_request_id(scope)
        scope["hexad_allowances"] = []
        self._every = (*every, *_SECURITY)
        self._method = scope["method"] if scope["method"] in _METHODS else "OTHER"

    def traced(self) -> contextlib.AbstractContextManager[None]:
        """The span of the request, under the caller's when it sent one."""
        return tracing.span(f"HTTP {self._method}", header(self._scope, b"traceparent") or None)

    async def send(self, message: Message) -> None:
        """Passes a message on, with the headers that every answer bears."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            tightest = min((self.allowance, *self._scope["hexad_allowances"]), key=lambda one: one.remaining)
            kept, varied = list[Header](), list[bytes]()
            for one in message["headers"]:
                if one[0].lower() == b"vary":
                    varied.append(one[1])
                else:
                    kept.append(one)
            message["headers"] = [
                *kept,
                (b"vary", _varying(b",".join(varied))),
                (b"x-request-id", self.request_id.encode()),
                *(tightest.headers() if tightest.limit else []),
                *self._every,
            ]
        elif message["type"] == "http.response.body":
            self._size += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, error: HexadError, settings: Settings, *, last: bool = False) -> None:
        """Answers without asking the application; `last` says that the connection ends with it."""
        accept_language = listed(self._scope, b"accept-language")
        told = problem.of_error(error, accept_language, self.request_id)
        body = problem.encode(told)
        headers = [(b"content-type", problem.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        headers.append((b"content-language", problem.content_language(accept_language).encode()))
        if last:
            headers.append((b"connection", b"close"))
        if isinstance(error, RateLimited):
            headers.append((b"retry-after", b"%d" % max(1, round(error.wait + 0.5))))
        if told.status == 503:
            headers.append((b"retry-after", b"1"))
        if isinstance(error, AppTooOld) and settings.store_url:
            headers.append((b"link", f'<{settings.store_url}>; rel="latest-version"'.encode()))
        await self.send({"type": "http.response.start", "status": told.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def leave(self) -> None:
        """Counts and logs the request; 499 means that the client left before an answer."""
        seconds = time.perf_counter() - self._started
        route = self._scope.get("path_template") or "(none)"
        count, times = _counters(self._method, route, self._status)
        count.inc()
        times.observe(seconds)
        quiet = self.path.startswith(UNLIMITED) and self._status < 500
        logs.tell(
            "hexad.access",
            logging.DEBUG if quiet else logging.INFO,
            "request",
            method=self._method,
            route=route,
            status=self._status,
            bytes=self._size,
            milliseconds=round(seconds * 1000, 2),
            address=self.address,
            principal=self._scope.get("hexad_principal_name"),
            request_id=self.request_id,
        )


@cache
def _varying(told: bytes) -> bytes:
    """What an answer depends on, each named once; every one on the coding, also where it was not compressed."""
    return b", ".join(dict.fromkeys((*filter(None, map(bytes.strip, told.split(b","))), *_VARY)))


@cache
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The metrics of a route, looked up once: routes, methods and statuses are few."""
    return metrics.HTTP_REQUESTS.labels(method, route, str(status)), metrics.HTTP_SECONDS.labels(method, route)
