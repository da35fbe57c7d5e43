"""Where a connection comes from: the peer's address, or what a trusted proxy says of it."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from kernel.settings import Settings, words

_HOPS_AT_MOST = 10
_HOP = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)


class Addresses:
    """Finds the client's address; believes X-Forwarded-For only from HEXAD_TRUSTED_PROXIES."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = networks(settings.trusted_proxies)

    def client(self, scope: Any) -> str:
        """The right-most address of an ASGI scope that is not a trusted proxy; empty when the server knows none."""
        peer = str((scope.get("client") or ("",))[0])
        if not self._trusted or not inside(peer, self._trusted):
            return peer
        told = b",".join(value for key, value in scope["headers"] if key == b"x-forwarded-for")
        hops = [_without_port(hop) for hop in told.decode("latin-1").split(",")[-_HOPS_AT_MOST:]]
        for hop in reversed(hops):
            if not inside(hop, self._trusted):
                return hop if _parsed(hop) else peer
        return peer


def networks(text: str) -> list[IPv4Network | IPv6Network]:
    """The networks of a comma-separated setting."""
    return [ip_network(word) for word in words(text)]


def inside(host: str, members: list[IPv4Network | IPv6Network]) -> bool:
    """Whether an address, IPv4 in IPv6 included, lies in one of the networks; text that is no address lies in none."""
    found = _parsed(host)
    return found is not None and any(found in network for network in members)


def household(host: str) -> str:
    """What is counted as one client address: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    found = _parsed(host)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found or host)


def neighbourhood(host: str) -> str:
    """The network that one who rents addresses may have at hand: a /24 of IPv4, a /48 of IPv6; also of a household."""
    found = _parsed(host.partition("/")[0])
    if found is None:
        return host
    return str(ip_network((found, 48 if isinstance(found, IPv6Address) else 24), strict=False))


def _without_port(hop: str) -> str:
    """The address of a hop: some proxies add the port, and brackets to IPv6."""
    match = _HOP.fullmatch(hop.strip().strip('"'))
    return (match[1] or match[2]) if match else hop.strip()


@lru_cache(maxsize=10_000)
def _parsed(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
