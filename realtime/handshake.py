"""Who may open a WebSocket here: decided on the headers of the upgrade, before there is a socket."""

from typing import Any

from msgspec import Struct

from kernel.settings.origins import Origins

PATH = "/ws"
SUBPROTOCOL = "hexad.v1"


class Refusal(Struct, frozen=True):
    """An HTTP answer instead of the upgrade; `retry_after` in seconds where trying again may help."""

    status: int
    why: str
    retry_after: int | None = None


class Handshake:
    """Holds an upgrade to the rules; a browser's Origin must be one of HEXAD_ORIGINS."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins

    def refusal(self, scope: Any) -> Refusal | None:
        """Why the upgrade is refused, null when it is not; `scope` is that of ASGI."""
        if scope["path"].rstrip("/") != PATH:
            return Refusal(404, f"WebSockets are at {PATH}")
        if not all(map(self._origins.allow, headers(scope, b"origin"))):
            return Refusal(403, "this origin is not on the list")
        if scope["query_string"]:
            return Refusal(400, "the address takes no query: the token goes into the frame auth")
        if SUBPROTOCOL not in scope["subprotocols"]:
            return Refusal(400, f"ask for the subprotocol {SUBPROTOCOL}")
        return None


def headers(scope: Any, name: bytes) -> list[str]:
    """Every value of a header, its name in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
