"""The first and the last that a request meets: id, bounds, overload, app version, limit, access log, metrics."""

import asyncio
import contextlib
import logging
import time
from functools import cache
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Send
from prometheus_client import Counter, Histogram

from api import problem
from api.edge.headers import header, new_request_id
from api.edge.limits import Allowance, Buckets
from kernel import logs, metrics, tracing
from kernel.address import Addresses, household
from kernel.errors import AppTooOld, HexadError, InvalidInput, Overloaded, RateLimited, TooSlow
from kernel.settings import Settings

_UNLIMITED = ("/health/", "/metrics")
_URL_AT_MOST = 8192
_PART_SECONDS = 10.0
_BODY_SECONDS = 60.0
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


class Gate:
    """Wraps the whole application; refuses early and cheaply, and sees every answer on its way out."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.inner = self._app = app
        self._settings = settings
        self._addresses = Addresses(settings)
        rate = settings.rate_per_address / settings.api_workers
        self._buckets = Buckets(rate, rate * settings.rate_burst)
        self._minimum = version(settings.minimum_app_version)
        self._in_flight = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serves one request; other kinds of connections pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        scope["hexad_client"] = self._addresses.client(scope)
        passage = _Passage(scope, send, scope["hexad_client"])
        with logs.bind(request_id=passage.request_id), passage.traced():
            try:
                if passage.path.startswith(_UNLIMITED):
                    await self._app(scope, receive, passage.send)
                else:
                    await self._limited(scope, receive, passage)
            finally:
                passage.leave()

    async def _limited(self, scope: Any, receive: Receive, passage: "_Passage") -> None:
        refusal = self._refusal(scope, passage)
        if refusal is not None:
            await passage.refuse(refusal, self._settings)
            return
        self._in_flight += 1
        metrics.HTTP_IN_FLIGHT.inc()
        try:
            await self._app(scope, _in_time(receive), passage.send)
        finally:
            self._in_flight -= 1
            metrics.HTTP_IN_FLIGHT.dec()

    def _refusal(self, scope: Any, passage: "_Passage") -> HexadError | None:
        taken, passage.allowance = self._buckets.take(household(passage.address))
        if not taken:
            return RateLimited(passage.allowance.wait)
        if self._in_flight >= self._settings.api_inflight:
            return Overloaded()
        url = scope.get("raw_path", b"") + b"?" + scope["query_string"]
        if len(url) > _URL_AT_MOST or b"%00" in url or "\x00" in passage.path:
            return InvalidInput("the address is too long or holds a NUL", "地址过长或含有空字符")
        told = header(scope, b"x-app-version")
        if told and version(told) < self._minimum:
            return AppTooOld(self._settings.store_url, self._settings.store_url)
        return None


class _Passage:
    """One request on its way through: what is known of it, and what was answered."""

    def __init__(self, scope: Any, send: Send, address: str) -> None:
        self.address, self.path, self.allowance = address, str(scope["path"]), Allowance(0, 0, 0.0, 0.0)
        self._scope, self._send, self._started, self._status, self._size = scope, send, time.perf_counter(), 499, 0
        self.request_id = scope["hexad_request_id"] = new_request_id(scope)
        scope["hexad_allowances"] = []
        self._method = scope["method"] if scope["method"] in _METHODS else "OTHER"

    def traced(self) -> contextlib.AbstractContextManager[None]:
        """The span of the request, under the caller's when it sent one."""
        return tracing.span(f"HTTP {self._method}", header(self._scope, b"traceparent") or None)

    async def send(self, message: Message) -> None:
        """Passes a message on, with the headers that every answer bears."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            tightest = min((self.allowance, *self._scope["hexad_allowances"]), key=lambda one: one.remaining)
            message["headers"] = [
                *message["headers"],
                (b"x-request-id", self.request_id.encode()),
                *(tightest.headers() if tightest.limit else []),
                *_SECURITY,
            ]
        elif message["type"] == "http.response.body":
            self._size += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, error: HexadError, settings: Settings) -> None:
        """Answers without asking the application."""
        accept_language = header(self._scope, b"accept-language")
        told = problem.of_error(error, accept_language, self.request_id)
        body = problem.encode(told)
        headers = [(b"content-type", problem.MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        headers.append((b"content-language", problem.content_language(accept_language).encode()))
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
        quiet = self.path.startswith(_UNLIMITED) and self._status < 500
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
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """The metrics of a route, looked up once: routes, methods and statuses are few."""
    return metrics.HTTP_REQUESTS.labels(method, route, str(status)), metrics.HTTP_SECONDS.labels(method, route)


def _in_time(receive: Receive) -> Receive:
    """A body must come whole and in time, each part and all of it: else `InvalidInput` or `TooSlow`."""
    until, complete = time.monotonic() + _BODY_SECONDS, False

    async def received() -> Any:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout(max(0.0, min(_PART_SECONDS, until - time.monotonic()))):
                message: Any = await receive()
        except TimeoutError as error:
            raise TooSlow from error
        if message["type"] == "http.disconnect":
            raise InvalidInput("the body broke off before its end", "请求体未传输完整")
        complete = not message.get("more_body", False)
        return message

    return received


def _without_body(send: Send) -> Send:
    """A HEAD is answered like a GET, headers and all, without the body."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sent


def version(text: str) -> tuple[int, int, int]:
    """A version such as `2.13.1` as numbers; what is no number counts as 0."""
    parts = [int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0 for part in text.split(".")[:3]]
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return major, minor, patch
