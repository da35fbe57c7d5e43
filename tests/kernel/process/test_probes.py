"""Health and metrics over a small port: honest answers, bounded clients, a clear word when the port is taken."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.process import probes
from kernel.process.probes import Probes
from kernel.settings import Settings
from kernel.telemetry import metrics


@pytest.fixture
def mine(settings: Settings, free_port: Callable[[], int]) -> Settings:
    """Settings with a free port for the relay."""
    return msgspec.structs.replace(settings, relay_port=free_port())


@pytest.fixture
def problems() -> dict[str, str | None]:
    """What the checks say; a test may change it."""
    return {"database": None, "broker": None}


@pytest.fixture
def served(mine: Settings, problems: dict[str, str | None]) -> Iterator[Probes]:
    """Probes that answer."""
    with Probes("relay", mine, {name: partial(problems.get, name) for name in problems}) as running:
        yield running


def get(served: Probes, path: str) -> tuple[int, bytes]:
    host, port = served.address
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_all_is_well(served: Probes) -> None:
    for path in ("/health/live", "/health/ready", "/health/ready?verbose=1"):
        status, body = get(served, path)
        assert (status, json.loads(body)) == (200, {"status": "ok", "problems": [], "instance": ""})


def test_readiness_names_every_problem(served: Probes, problems: dict[str, str | None]) -> None:
    problems["broker"] = "does not answer"
    status, body = get(served, "/health/ready")
    assert (status, json.loads(body)["problems"]) == (503, ["broker: does not answer"])
    assert get(served, "/health/live")[0] == 200


def test_a_check_that_breaks_is_a_problem(mine: Settings) -> None:
    def broken() -> str | None:
        raise ConnectionResetError("13800138000")

    with Probes("relay", mine, {"broker": broken}) as served:
        status, body = get(served, "/health/ready")
    assert (status, json.loads(body)["problems"]) == (503, ["broker: ConnectionResetError"])


def test_a_main_loop_that_stands_still_is_not_alive(mine: Settings) -> None:
    with Probes("relay", mine, {}, patience=0.0) as served:
        status, body = get(served, "/health/live")
        assert status == 503
        assert "main loop" in json.loads(body)["problems"][0]
        assert get(served, "/health/ready")[0] == 503
    with Probes("relay", mine, {}, patience=60.0) as served:
        served.beat()
        assert get(served, "/health/live")[0] == 200


def test_metrics_are_served(served: Probes) -> None:
    metrics.RELAYED.labels("Probed").inc()
    status, body = get(served, "/metrics")
    assert status == 200
    assert b'hexad_relayed_events_total{kind="Probed"}' in body


def test_metrics_look_missing_from_where_they_may_not_be_read(mine: Settings) -> None:
    with Probes("relay", msgspec.structs.replace(mine, metrics_from="10.0.0.0/8"), {}) as served:
        assert get(served, "/metrics")[0] == 404
        assert get(served, "/health/live")[0] == 200


def test_other_paths_say_what_there_is(served: Probes) -> None:
    status, body = get(served, "/")
    assert status == 404
    assert b"/health/ready" in body


def test_a_port_in_use_names_the_setting(served: Probes, mine: Settings) -> None:
    with pytest.raises(Unavailable, match="HEXAD_RELAY_PORT"):
        Probes("relay", mine, {}).start()


def test_an_address_of_another_host_names_the_setting(mine: Settings) -> None:
    with pytest.raises(Unavailable, match="HEXAD_PROBE_HOST"):
        Probes("relay", msgspec.structs.replace(mine, probe_host="192.0.2.1"), {}).start()


def test_the_port_is_free_again_after_the_end(mine: Settings) -> None:
    for _ in range(3):
        with Probes("relay", mine, {}) as served:
            assert get(served, "/health/live")[0] == 200


def test_clients_that_say_nothing_are_bounded_and_dropped(mine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes._Handler, "timeout", 0.3)
    with Probes("relay", mine, {}) as served:
        before = threading.active_count()
        silent = [socket.create_connection(served.address, timeout=60) for _ in range(40)]
        assert all(one.recv(1) == b"" for one in silent)  # each was closed by the server
        assert threading.active_count() <= before + 8
        for one in silent:
            one.close()
        assert get(served, "/health/live")[0] == 200


def test_a_client_that_drips_is_dropped_after_its_time(mine: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.process.probes._CLIENT_SECONDS", 0.3)
    with Probes("relay", mine, {}) as probes, socket.create_connection(probes.address, 20) as dripping:
        dripping.settimeout(0.05)
        dripping.sendall(b"GET /health/live HTTP/1.1\r\nX: ")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if dripping.send(b"x") and dripping.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        pytest.fail("it was let go on")
