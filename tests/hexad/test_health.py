"""What a health port says is passed on as it is."""

import pytest

from hexad import health
from kernel.errors import Unavailable
from kernel.process.probes import Probes
from kernel.settings import Settings
from tests.hexad.test_ports import settings as on_free_ports


@pytest.fixture
def host() -> Settings:
    """Settings of a host on which nothing runs."""
    return on_free_ports()


def test_a_process_that_is_well(host: Settings) -> None:
    with Probes("relay", host, {}):
        assert health.problem(f"127.0.0.1:{host.relay_port}") == ""
        health.check(host, ["relay"])
        health.check(host, [])


def test_a_process_that_is_not_ready_says_why_and_lives(host: Settings) -> None:
    with Probes("relay", host, {"broker": lambda: "does not answer"}):
        assert health.problem(f"127.0.0.1:{host.relay_port}") == "not ready: broker: does not answer"
        health.check(host, ["relay"])


def test_a_process_that_hangs_is_named(host: Settings) -> None:
    with Probes("relay", host, {}, patience=-1), pytest.raises(Unavailable, match="relay is not live"):
        health.check(host, [])


def test_a_host_on_which_nothing_runs_is_not_well(host: Settings) -> None:
    with pytest.raises(Unavailable, match="no process of Hexad answers"):
        health.check(host, [])
    with pytest.raises(Unavailable, match="beat is not answering"):
        health.check(host, ["beat"])
