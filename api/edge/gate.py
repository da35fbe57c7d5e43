"""The first and the last that a request meets: bounds, overload, app version, limit, and the body read in bounds."""

import re
from typing import Any, get_args
from urllib.parse import unquote_to_bytes

from litestar.types import ASGIApp, Receive, Send

from api.edge.bodies import Bodies, Body, replayed, there
from api.edge.headers import header, listed, values
from api.edge.limits import Buckets, Crowd
from api.edge.origin import admitted, is_preflight
from api.edge.passage import UNLIMITED, Passage
from api.edge.path import keep_inner_slashes
from api.edge.places import Places
from identity.principal import Tokens
from kernel.errors import AppTooOld, HexadError, InvalidInput, NotSignedIn, Overloaded, RateLimited
from kernel.process.address import Addresses, household
from kernel.security.scope import Audience
from kernel.settings import Settings, words
from kernel.settings.origins import Origins
from kernel.telemetry import logs
from kernel.text.negotiation import coding

_URL_AT_MOST = 8192
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::\d{0,5})?", re.ASCII)
_ONCE = {
    name.lower().encode(): name
    for name in ("Authorization", "Content-Type", "Idempotency-Key", "X-Hexad-Gateway", "X-Hexad-Timestamp",
                 "X-Hexad-Signature")
}  # fmt: skip
"""Headers of which there is one: where there are two, a proxy in front may have looked at the other."""

_PROVEN_BY_BODY = ("/v1/auth/refresh", "/v1/auth/sign-out")
"""Whose token stands in the body: the route asks for it before anything else."""


class Gate:
    """Wraps the whole application; refuses early and cheaply, and sees every answer on its way out."""

    def __init__(self, app: ASGIApp, settings: Settings, places: Places, tokens: Tokens) -> None:
        self.inner = self._app = app
        self._tokens = tokens
        self._settings = settings
        self._addresses = Addresses(settings)
        rate = settings.rate_per_address / settings.api_workers
        self._buckets = Buckets(rate, rate * settings.rate_burst)
        rate = settings.rate_per_principal / settings.api_workers
        self._sessions = Buckets(rate, rate * settings.rate_burst)
        self._minimum = version(settings.minimum_app_version)
        self._places, self._bodies = places, Bodies(settings)
        self._origins = Origins(words(settings.origins))

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serves one request; other kinds of connections pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        scope["hexad_client"] = self._addresses.client(scope)
        _settle_coding(scope)
        passage = Passage(scope, send, scope["hexad_client"], admitted(scope, self._origins))
        with logs.bind(request_id=passage.request_id), passage.traced():
            try:
                refusal = self._refusal(scope, passage)
                body = await self._body(scope, receive, passage, wanted=refusal is None)
                if body is not None:
                    refusal, receive = refusal or body.refusal, replayed(body.content, receive)
                if refusal is not None:
                    await passage.refuse(refusal, self._settings, last=body is not None and not body.whole)
                elif is_preflight(scope) and self._origins.allow(header(scope, b"origin")):
                    await passage.send({"type": "http.response.start", "status": 204, "headers": []})
                    await passage.send({"type": "http.response.body", "body": b"", "more_body": False})
                elif passage.path.startswith(UNLIMITED):
                    await self._app(scope, receive, passage.send)
                else:
                    await self._placed(scope, receive, passage)
            finally:
                passage.leave()

    async def _body(self, scope: Any, receive: Receive, passage: Passage, *, wanted: bool) -> Body | None:
        """What the request brings along, null when it has no body."""
        if not there(scope):
            return None
        return await self._bodies.read(scope, receive, household(passage.address), wanted=wanted)

    async def _placed(self, scope: Any, receive: Receive, passage: Passage) -> None:
        if not self._places.take():
            await passage.refuse(Overloaded(), self._settings)
            return
        keep_inner_slashes(scope)
        try:
            await self._app(scope, receive, passage.send)
        finally:
            self._places.leave()

    def _refusal(self, scope: Any, passage: Passage) -> HexadError | None:
        if passage.path.startswith(UNLIMITED):
            return None
        taken, passage.allowance = self._buckets.take(household(passage.address))
        if not taken and not self._bears_token(scope):
            if passage.path not in _PROVEN_BY_BODY:
                # raised by: strangers, of the same address: who bears a token of ours has a limit of their own
                return RateLimited(passage.allowance.wait)
            scope["hexad_crowd"] = Crowd(passage.allowance.wait, self._sessions)
        if malformed := _malformed(scope, passage.path):
            return malformed
        told = header(scope, b"x-app-version")
        if told and version(told) < self._minimum:
            return AppTooOld(self._settings.store_url, self._settings.store_url)
        return None

    def _bears_token(self, scope: Any) -> bool:
        """Whether the request bears a token of ours, whose session does not ask too often either."""
        token = header(scope, b"authorization").partition(" ")[2].strip()
        try:
            session_id, _ = self._tokens.verify(token, get_args(Audience))
        except NotSignedIn:
            return False
        return self._sessions.take(str(session_id))[0]


def _malformed(scope: Any, path: str) -> InvalidInput | None:
    """What is wrong with the address and the headers, whatever is asked for."""
    url = scope.get("raw_path", b"") + b"?" + scope["query_string"]
    if not _one_host(scope):
        return InvalidInput("exactly one header Host is needed, a name or an address", "须有且仅有一个有效的 Host 头")
    if doubled := _doubled(scope):
        return InvalidInput(f"the header {doubled} comes once", f"{doubled} 头只能出现一次")
    if scope["method"] in ("PUT", "PATCH") and header(scope, b"content-range"):
        return InvalidInput("a part of a thing cannot be put (Content-Range)", "不支持部分写入(Content-Range)")
    if len(url) > _URL_AT_MOST or b"%00" in url or "\x00" in path:
        return InvalidInput("the address is too long or holds a NUL", "地址过长或含有空字符")
    if not _is_utf8(url):
        return InvalidInput("the address is not UTF-8", "地址须为 UTF-8 编码")
    return None


def _one_host(scope: Any) -> bool:
    """HTTP/1.1 asks for one Host; where there are two, a proxy in front may have looked at the other."""
    hosts = values(scope, b"host")
    if not any(hosts):
        return len(hosts) <= 1 and scope["http_version"] != "1.1"
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None


def _doubled(scope: Any) -> str:
    """A header that comes more often than it may; empty when there is none."""
    seen = set()
    for name, _ in scope["headers"]:
        if name in _ONCE:
            if name in seen:
                return _ONCE[name]
            seen.add(name)
    return ""


def _is_utf8(url: bytes) -> bool:
    """Whether what is written with percent signs is UTF-8: else another character would be looked for."""
    if b"%" not in url:
        return True
    try:
        unquote_to_bytes(url).decode()
    except UnicodeDecodeError:
        return False
    return True


def _settle_coding(scope: Any) -> None:
    """Leaves of Accept-Encoding the one coding that was negotiated: the framework knows no qualities."""
    told = listed(scope, b"accept-encoding")
    if told:
        kept = [one for one in scope["headers"] if one[0] != b"accept-encoding"]
        scope["headers"] = [*kept, (b"accept-encoding", coding(told).encode())]


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
