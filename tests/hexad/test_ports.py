"""Ports: all that cannot be had are named at once, with the setting that moves ours."""

import signal
import socket
from pathlib import Path

import msgspec
import pytest

from hexad import health, ports
from kernel.errors import Unavailable
from kernel.process.probes import Probes
from kernel.settings import Settings, parse
from tests.conftest import random_key
from tests.hexad.running import HEXAD, Up, own_environment


def settings(**changed: object) -> Settings:
    """Settings on free ports."""
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


def test_a_simulator_that_is_left_out_needs_no_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        ports.check_free(settings(smtp_simulator_port=port, mailbox_port=port, simulators="sms,advisory"))
        with pytest.raises(Unavailable, match="HEXAD_SMTP_SIMULATOR_PORT"):
            ports.check_free(settings(smtp_simulator_port=port))


def test_two_settings_with_one_port_are_named() -> None:
    twice = settings(api_port=8123, mailbox_port=8123)
    with pytest.raises(Unavailable, match="HEXAD_API_PORT and HEXAD_MAILBOX_PORT are both 8123"):
        ports.check_free(twice)


def test_an_address_that_is_not_of_this_host_is_named() -> None:
    with pytest.raises(Unavailable, match=r"nothing can listen on 192\.0\.2\.1 .*HEXAD_API_HOST"):
        ports.check_free(settings(api_host="192.0.2.1"))


def test_the_sms_simulator_is_looked_for_where_it_answers() -> None:
    apart = settings(probe_host="127.0.0.2", simulator_host="127.0.0.3")
    host, port = Probes("sms_simulator", apart, {}).address
    assert ports.address(apart, "sms_simulator_port") == f"{host}:{port}"


@pytest.mark.parametrize(("first", "second"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_a_port_is_held_once_however_its_addresses_overlap(first: str, second: str) -> None:
    wide = settings(api_host=first)
    narrow = msgspec.structs.replace(wide, api_host=second)
    for one, other in ((wide, narrow), (narrow, wide)):
        with ports.held(one, "api_port"):
            with pytest.raises(Unavailable, match="HEXAD_API_PORT or HEXAD_API_HOST"), ports.held(other, "api_port"):
                pass
            socket.create_server((one.api_host, one.api_port)).close()  # the server itself is not hindered


def test_addresses_that_do_not_overlap_may_have_one_port() -> None:
    one = settings(api_host="127.0.0.2")
    with ports.held(one, "api_port"), ports.held(msgspec.structs.replace(one, api_host="127.0.0.3"), "api_port"):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_an_address_that_cannot_be_held_is_named(host: str) -> None:
    unheld = ports.held(settings(api_host=host), "api_port")
    with pytest.raises(Unavailable, match=r"nothing can listen on .*HEXAD_API_HOST"), unheld:
        pass


def test_of_two_apis_started_at_once_one_serves_and_the_other_says_why(tmp_path: Path) -> None:
    environment = own_environment(tmp_path) | {"HEXAD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    environment |= {"HEXAD_TOKEN_KEY": random_key(), "HEXAD_INDEX_KEY": random_key()}
    environment["HEXAD_FIELD_KEYS"] = f"k1:{random_key()}"
    two = [Up(environment, tmp_path / f"output-{number}", (HEXAD, "serve", "api")) for number in range(2)]
    try:
        two[0].wait(lambda: any(one.process.poll() is not None for one in two), 90)
        loser, winner = sorted(two, key=lambda one: one.process.poll() is None)
        assert loser.process.poll() == 1
        assert loser.said.startswith(f"hexad: port {environment['HEXAD_API_PORT']} is ")
        assert loser.said.count("\n") == 1
        winner.wait(lambda: not health.problem(f"127.0.0.1:{environment['HEXAD_API_PORT']}", "live"), 90)
        assert winner.stop(signal.SIGTERM) == 0
    finally:
        for one in two:
            one.kill_everything()


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.1.2.3", "10.1.2.3"), ("::1", "[::1]"), ("here", "here")],
)
def test_a_server_on_all_addresses_is_reached_at_the_local_one(host: str, reached: str) -> None:
    assert ports.address(settings(api_host=host, api_port=8000), "api_port") == f"{reached}:8000"
