"""Which web pages may speak with us: the origins of HEXAD_ORIGINS, for the API and for the WebSocket alike."""

from urllib.parse import urlsplit

from kernel.errors import Misconfigured

LOCAL = "http://localhost:*,http://127.0.0.1:*,http://[::1]:*"
"""Pages of a developer's own machine, whatever port they are served on; `hexad up` alone lets them in."""

_ANY_PORT = ":*"
_PORTS = {"http": 80, "https": 443}


class Origins:
    """The listed origins, equal in scheme, host and port; one that ends in `:*` is good on every port."""

    def __init__(self, listed: list[str]) -> None:
        """Raises `Misconfigured` for an origin that is none."""
        self._exact = {_known(one, one) for one in listed if not one.endswith(_ANY_PORT)}
        self._any_port = {_known(one.removesuffix(_ANY_PORT), one)[:2] for one in listed if one.endswith(_ANY_PORT)}

    def allow(self, origin: str) -> bool:
        """Whether a page of this origin may; what is no origin, as `null` is none, may not."""
        found = _normal(origin)
        return found is not None and (found in self._exact or found[:2] in self._any_port)


def _normal(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; null when it is none."""
    try:
        parts = urlsplit(origin.strip())
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def _known(origin: str, listed: str) -> tuple[str, str, int]:
    found = _normal(origin)
    if found is None:
        raise Misconfigured(f"HEXAD_ORIGINS: {listed!r} is not an origin such as https://app.example.com")
    return found
