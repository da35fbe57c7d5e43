"""Where a request comes from: the peer's address, or what a trusted proxy says of it; and the request's id."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import uuid_utils.compat as uuid

from kernel.settings import Settings, words

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_HOPS_AT_MOST = 10


def networks(text: str) -> list[IPv4Network | IPv6Network]:
    """The networks of a comma-separated setting."""
    return [ip_network(word) for word in words(text)]


def inside(address: str, members: list[IPv4Network | IPv6Network]) -> bool:
    """Whether an address, IPv4 in IPv6 included, lies in one of the networks; text that is no address lies in none."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in members)


class Addresses:
    """Finds the client's address; believes X-Forwarded-For only from HEXAD_TRUSTED_PROXIES."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = networks(settings.trusted_proxies)

    def client(self, scope: Any) -> str:
        """The right-most address that is not a trusted proxy."""
        peer = str((scope.get("client") or ("",))[0])
        if not self._trusted or not inside(peer, self._trusted):
            return peer
        hops = [hop.strip() for hop in header(scope, b"x-forwarded-for").split(",")[-_HOPS_AT_MOST:]]
        for hop in reversed(hops):
            if not inside(hop, self._trusted):
                return hop if _is_address(hop) else peer
        return peer


def header(scope: Any, name: bytes) -> str:
    """A request header's first value, empty when it is not there."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def new_request_id(scope: Any) -> str:
    """The id that the client sent, when it is well formed; else a new one (UUIDv7)."""
    sent = header(scope, b"x-request-id").encode("latin-1")
    return sent.decode() if _REQUEST_ID.fullmatch(sent) else str(uuid.uuid7())


def request_id(scope: Any) -> str:
    """The id of the request under way."""
    return str(scope.get("hexad_request_id", ""))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
