"""Pages of other origins (CORS): those of HEXAD_ORIGINS may ask and read the answer, with a token and no cookie."""

from typing import Any

from api.edge.headers import header
from kernel.settings.origins import Origins

_SEEN = (
    "ETag, Location, Link, Retry-After, X-Request-Id, Idempotency-Replayed, Content-Language, RateLimit-Limit,"
    " RateLimit-Remaining, RateLimit-Reset, WWW-Authenticate"
)
_ASKED = (
    "Authorization, Content-Type, Accept-Language, If-Match, If-None-Match, Idempotency-Key, X-App-Version,"
    " X-Request-Id, Traceparent"
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_REMEMBERED_SECONDS = 7200


def is_preflight(scope: Any) -> bool:
    """Whether a browser asks if a page may ask."""
    return bool(scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"))


def admitted(scope: Any, origins: Origins) -> list[tuple[bytes, bytes]]:
    """The headers that let a page of a listed origin read the answer; none for others."""
    origin = header(scope, b"origin")
    if not origin or not origins.allow(origin):
        return []
    told = [(b"access-control-allow-origin", origin.encode("latin-1"))]
    told.append((b"access-control-expose-headers", _SEEN.encode()))
    if is_preflight(scope):
        told += [
            (b"access-control-allow-methods", _METHODS.encode()),
            (b"access-control-allow-headers", _ASKED.encode()),
            (b"access-control-max-age", b"%d" % _REMEMBERED_SECONDS),
        ]
    return told
