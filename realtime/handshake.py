"""Who may open a WebSocket here: decided on the headers of the upgrade, before there is a socket."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from kernel.errors import Misconfigured

SUBPROTOCOL = "hexad.v1"
_PORTS = {"http": 80, "https": 443}


class Refusal(Struct, frozen=True):
    """An HTTP answer instead of the upgrade; `retry_after` in seconds where trying again may help."""

    status: int
    why: str
    retry_after: int | None = None


class Handshake:
    """Holds an upgrade to the rules; a browser's Origin must be one of `origins` in scheme, host and port."""

    def __init__(self, origins: Iterable[str]) -> None:
        """Raises `Misconfigured` for an origin that is none."""
        self._origins = {_listed(origin) for origin in origins}

    def refusal(self, scope: Any) -> Refusal | None:
        """Why the upgrade is refused, null when it is not; `scope` is that of ASGI."""
        if not all(normal(origin) in self._origins for origin in headers(scope, b"origin")):
            return Refusal(403, "this origin is not on the list")
        if scope["query_string"]:
            return Refusal(400, "the address takes no query: the token goes into the frame auth")
        if SUBPROTOCOL not in scope["subprotocols"]:
            return Refusal(400, f"ask for the subprotocol {SUBPROTOCOL}")
        return None


def headers(scope: Any, name: bytes) -> list[str]:
    """Every value of a header, its name in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; null when it is none, as `null` is."""
    try:
        parts = urlsplit(origin.strip())
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def _listed(origin: str) -> tuple[str, str, int]:
    found = normal(origin)
    if found is None:
        raise Misconfigured(f"HEXAD_ORIGINS: {origin!r} is not an origin such as https://app.example.com")
    return found
