"""Ports: all that cannot be had are named at once, with the setting that moves ours."""

import socket

import pytest

from hexad import ports
from kernel.errors import Unavailable
from kernel.settings import Settings, parse
from tests.hexad.running import own_environment


def settings(**changed: object) -> Settings:
    """Settings on free ports."""
    from pathlib import Path

    environment = {k: v for k, v in own_environment(Path("var")).items() if k.startswith("HEXAD_")}
    return parse(environment | {f"HEXAD_{name.upper()}": str(value) for name, value in changed.items()})


def test_free_ports_are_well() -> None:
    ports.check_free(settings())


def test_every_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = settings(api_port=one.getsockname()[1], beat_port=two.getsockname()[1])
        with pytest.raises(Unavailable) as refused:
            ports.check_free(taken)
    assert "HEXAD_API_PORT" in refused.value.detail
    assert "HEXAD_BEAT_PORT" in refused.value.detail


def test_two_settings_with_one_port_are_named() -> None:
    twice = settings(api_port=8123, mailbox_port=8123)
    with pytest.raises(Unavailable, match="HEXAD_API_PORT and HEXAD_MAILBOX_PORT are both 8123"):
        ports.check_free(twice)


def test_an_address_that_is_not_of_this_host_is_named() -> None:
    with pytest.raises(Unavailable, match=r"nothing can listen on 192\.0\.2\.1 .*HEXAD_API_HOST"):
        ports.check_free(settings(api_host="192.0.2.1"))


@pytest.mark.parametrize(
    ("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.1.2.3", "10.1.2.3"), ("::1", "[::1]")]
)
def test_a_server_on_all_addresses_is_reached_at_the_local_one(host: str, reached: str) -> None:
    assert ports.address(settings(api_host=host, api_port=8000), "api_port") == f"{reached}:8000"
