"""The client's address comes from the connection, or from a proxy that we trust; nothing else is believed."""

from typing import Any

import msgspec
import pytest

from kernel.process.address import Addresses, household, inside, neighbourhood, networks
from kernel.settings import Settings

TRUSTED = msgspec.structs.replace(Settings(), trusted_proxies="10.0.0.0/8,fd00::/8")


def asgi(peer: str, forwarded: str = "") -> Any:
    """The connection of a request."""
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else []}


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, evil\r\n", "10.0.0.2"),
        ("10.0.0.2", "10.0.0.3", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.2", "198.51.100.1:50123", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.3:443", "198.51.100.1"),
        ("10.0.0.2", '"[2001:db8::7]:443"', "2001:db8::7"),
        ("10.0.0.2", "[2001:db8::7]", "2001:db8::7"),
        ("10.0.0.2", "198.51.100.1:x", "10.0.0.2"),
    ],
)
def test_only_a_trusted_proxy_may_name_the_client(peer: str, forwarded: str, client: str) -> None:
    assert Addresses(TRUSTED).client(asgi(peer, forwarded)) == client


def test_a_header_of_the_clients_own_does_not_hide_the_one_of_the_proxy() -> None:
    told = [(b"x-forwarded-for", b"1.1.1.1"), (b"host", b"x"), (b"x-forwarded-for", b"198.51.100.1")]
    assert Addresses(TRUSTED).client({"client": ("10.0.0.2", 1), "headers": told}) == "198.51.100.1"


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert Addresses(Settings()).client(asgi("127.0.0.1", "198.51.100.1")) == "127.0.0.1"


def test_an_ipv4_address_in_ipv6_is_the_ipv4_address() -> None:
    assert inside("::ffff:10.1.2.3", networks("10.0.0.0/8"))
    assert not inside("unix", networks("0.0.0.0/0"))


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_one_subscriber_counts_as_one(host: str, counted: str) -> None:
    assert household(host) == counted


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:3:3::4", "2001:db8:1::/48"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_neighbours_count_together(host: str, counted: str) -> None:
    assert neighbourhood(host) == counted
