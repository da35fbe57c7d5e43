"""Answers of routes: rendered once, kept for the idempotency record, and conditional by ETag.

The ETag of a version bears the epoch of the database (`kernel/store/lineage.py`): after a restore the same number may
be of other content.
"""

import hashlib
import re
from typing import Any, TypeVar

from litestar import Response
from litestar.response.base import ASGIResponse

from api.edge.headers import listed
from api.edge.request import HttpRequest
from kernel.errors import InvalidInput, VersionConflict, VersionRequired

T = TypeVar("T")
_PRIVATE = ((b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Accept-Language"))
_VERSION = re.compile(r'"\d{1,18}"')
_TAG = re.compile(r'(?:W/)?"?(\d{1,18})(?:\.([0-9a-f]{0,8}))?"?', re.ASCII)
_KEPT = ("etag", "cache-control", "vary")


class Answer(Response[T]):
    """The response of every route: a GET bears an ETag, and one that the client has already is a 304."""

    def to_asgi_response(self, app: Any, request: HttpRequest, **kwargs: Any) -> ASGIResponse:  # type: ignore[override]
        """Renders the answer, or 304 without a body when If-None-Match names it."""
        response = super().to_asgi_response(app, request, **kwargs)
        if isinstance(response, ASGIResponse):
            if (tag := response.headers.get("etag", "")) and _VERSION.fullmatch(tag):
                response.headers["etag"] = f'"{tag.strip(chr(34))}.{_epoch(request)}"'
            if request.method in ("GET", "HEAD") and response.status_code == 200:
                response = _conditional(request, response)
            request.scope["hexad_answer"] = response  # type: ignore[typeddict-unknown-key]
        return response


def versioned(content: T, version: int, status_code: int | None = None) -> Answer[T]:
    """An answer whose ETag is the version of the thing it shows, so that If-Match can name it."""
    return Answer(content, headers={"ETag": f'"{version}"'}, status_code=status_code)


def expected_version(request: HttpRequest) -> int | None:
    """The version that If-Match names, null for `*`.

    Of several the newest: as versions only grow, no older one can be the one in force. A weak tag is taken like a
    strong one: proxies weaken tags when they compress, and the version is exact. Raises `VersionRequired` without a
    tag, `InvalidInput` for what is none of ours, `VersionConflict` for those of a database that was put back since.
    """
    given = listed(request.scope, b"if-match").strip()
    if not given:
        raise VersionRequired
    if given == "*":
        return None
    tags = [match for one in given.split(",") if (match := _TAG.fullmatch(one.strip()))]
    if not tags:
        raise InvalidInput("If-Match must be the ETag that a GET gave", "If-Match 须为 GET 返回的 ETag")
    epoch = _epoch(request)
    versions = [int(tag[1]) for tag in tags if tag[2] in (None, epoch)]
    if not versions:
        raise VersionConflict("the database was restored since: read it again", "数据库已恢复到较早时点,请重新读取")
    return max(versions)


def _epoch(request: HttpRequest) -> str:
    return str(request.app.state.database.lineage.epoch)


def _conditional(request: HttpRequest, response: ASGIResponse) -> ASGIResponse:
    headers = response.headers.headers
    there = dict(headers)
    if b"etag" not in there:
        headers.append((b"etag", b'W/"%b"' % hashlib.blake2b(response.body, digest_size=9).hexdigest().encode()))
    headers.extend(one for one in _PRIVATE if one[0] not in there)
    named = listed(request.scope, b"if-none-match")
    if not named or not _names(named, response.headers["etag"]):
        return response
    return ASGIResponse(status_code=304, headers={name: response.headers[name] for name in _KEPT})


def _names(named: str, tag: str) -> bool:
    tags = [one.strip().removeprefix("W/") for one in named.split(",")]
    return tag.removeprefix("W/") in tags or "*" in tags
