"""The simulated platform over HTTP: what it takes, what it refuses to, and how it misbehaves."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from hexad.health import problem
from hexad.ports import address
from hexad.simulators.advisory import Manner, Platform, serving
from kernel.errors import Unavailable
from kernel.settings import Settings
from tests.conftest import child_environment
from tests.hexad.simulators.test_ledger import order


@pytest.fixture
def platform(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[tuple[Platform, str]]:
    """A platform that asks for a token, and its address."""
    settings = Settings(var=tmp_path, advisory_simulator_port=free_port(), advisory_token="secret")
    with serving(settings, Manner()) as server:
        yield server, f"http://{address(settings, 'advisory_simulator_port')}"


def send(url: str, token: str = "secret", key: str | None = None, body: bytes | None = None) -> httpx.Response:
    """Sends a subscription, right unless something else is given."""
    wanted = order()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(wanted.subscription_id)}
    content = body if body is not None else msgspec.json.encode(wanted)
    return httpx.post(f"{url}/v1/subscriptions", content=content, headers=headers)


def test_it_takes_subscriptions_and_gives_contracts(platform: tuple[Platform, str]) -> None:
    _, url = platform
    answer = send(url)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    headers = {"Authorization": "Bearer secret"}
    read = httpx.get(f"{url}/v1/contracts?after=0&limit=10", headers=headers).json()
    assert [one["contract"] for one in read["items"]] == [answer.json()["contract"]]
    gone = httpx.post(f"{url}/v1/subscriptions/{read['items'][0]['subscription_id']}/cancel", headers=headers)
    assert gone.json()["status"] == "cancelled"


def test_what_is_wrong_is_refused(platform: tuple[Platform, str]) -> None:
    _, url = platform
    statuses = [
        send(url, token="other"), send(url, key="another-key"), send(url, body=b"{"), send(url, body=b"x" * 70_000),
        httpx.get(f"{url}/v1/contracts?after=-1", headers={"Authorization": "Bearer secret"}),
        httpx.get(f"{url}/v1/nothing", headers={"Authorization": "Bearer secret"}),
        httpx.post(f"{url}/v1/subscriptions/../cancel", headers={"Authorization": "Bearer secret"}),
    ]  # fmt: skip
    assert [one.status_code for one in statuses] == [401, 400, 400, 413, 400, 404, 404]
    assert httpx.get(f"{url}/health/ready").status_code == 200


def test_it_misbehaves_as_it_is_told(platform: tuple[Platform, str]) -> None:
    server, url = platform
    server.manner = Manner(down=1)
    assert send(url).status_code == 503
    server.manner = Manner(nonsense=1)
    with pytest.raises(ValueError, match="Extra data"):
        send(url).json()
    server.manner = Manner(refuse=1)
    assert send(url).json()["status"] == "refused"
    server.manner = Manner(later=True)
    assert send(url).json()["status"] == "pending"


def test_a_port_in_use_names_the_setting(platform: tuple[Platform, str], tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, advisory_simulator_port=platform[0].server_address[1])
    with pytest.raises(Unavailable, match=r"is in use.*HEXAD_ADVISORY_SIMULATOR_PORT"), serving(settings, Manner()):
        pass


def test_the_command_serves_until_it_is_stopped(settings: Settings, free_port: Callable[[], int]) -> None:
    own = msgspec.structs.replace(settings, advisory_simulator_port=free_port())
    command = [sys.executable, "-m", "hexad.main", "simulate", "advisory", "--refuse", "1"]
    with subprocess.Popen(command, env=child_environment(own)) as process:
        while problem(address(own, "advisory_simulator_port")):
            assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 0
