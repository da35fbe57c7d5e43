"""A node as a process: how it stops, how it dies, and what it says when it cannot start."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.settings import Settings
from realtime.run import _listen
from tests.conftest import child_environment
from tests.realtime.conftest import ROOT, RUN, Node, People


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopping_node_says_bye_to_everybody_and_exits_0(
    start_node: Callable[..., Node], own_people: People, how: signal.Signals
) -> None:
    node, token = start_node(drain=10.0, sockets_per_principal=100), await own_people.token("10086")
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(node.signed_in(token)) for _ in range(40)]
        clients.append(await stack.enter_async_context(node.client()))
        node.process.send_signal(how)
        byes = [await client.receive() for client in clients]
        assert {bye["type"] for bye in byes} == {"bye"}
        assert len({bye["retry_after"] for bye in byes}) > 5, "they must not all come back at once"
        assert all(1 <= bye["retry_after"] <= 31 for bye in byes)
        assert [await client.closed() for client in clients] == [1012] * 41
        assert await asyncio.to_thread(node.process.wait, 60) == 0
    assert node.status("/health/live") == 0


async def test_a_client_that_hangs_does_not_hold_up_the_stop(start_node: Callable[..., Node]) -> None:
    node = start_node(drain=6.0)
    async with node.client() as client:
        client.socket.transport.pause_reading()
        assert await asyncio.to_thread(node.stop, signal.SIGTERM, 6) == 0
        client.socket.transport.abort()


async def test_a_stopping_node_takes_nobody_in(start_node: Callable[..., Node]) -> None:
    node = start_node(drain=6.0)
    async with node.client() as client:
        node.process.send_signal(signal.SIGTERM)
        assert (await client.receive())["type"] == "bye"
        with pytest.raises(OSError, match="Connect call failed"):
            async with node.client():
                pass
        assert await client.closed() == 1012
    assert await asyncio.to_thread(node.process.wait, 60) == 0


async def test_the_death_of_a_node_costs_one_reconnect(start_node: Callable[..., Node], own_people: People) -> None:
    dying, other, token = start_node(), start_node(), await own_people.token("10086")
    async with dying.signed_in(token) as client, other.signed_in(token) as unharmed:
        assert await asyncio.to_thread(dying.stop, signal.SIGKILL) == -signal.SIGKILL
        assert await client.closed() == 1006
        async with other.signed_in(token) as again:
            assert (await again.ask(type="ping", n=1))["type"] == "pong"
        assert (await unharmed.ask(type="ping", n=2))["type"] == "pong"


async def test_a_node_can_be_started_again_at_once_on_its_port(
    start_node: Callable[..., Node], own_people: People
) -> None:
    first, token = start_node(), await own_people.token("10086")
    async with first.signed_in(token) as client:
        await asyncio.to_thread(first.stop, signal.SIGKILL)
        assert await client.closed() == 1006
    again = Node(first.settings, first.log)
    try:
        async with again.signed_in(token):
            pass
    finally:
        assert await asyncio.to_thread(again.stop) == 0


def start(settings: Settings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN], env=child_environment(settings), cwd=ROOT, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip


def test_a_port_in_use_is_named_with_the_way_out(own_settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = start(msgspec.structs.replace(own_settings, realtime_port=port))
    assert result.returncode == 1
    assert f"port {port} is in use by process" in result.stdout
    assert "HEXAD_REALTIME_PORT" in result.stdout


@pytest.mark.parametrize("host", ["nosuch.invalid", "192.0.2.1", "a..b"])
def test_an_address_that_is_none_of_this_host_is_named_once(own_settings: Settings, host: str) -> None:
    settings = msgspec.structs.replace(own_settings, realtime_host=host)
    with pytest.raises(Unavailable, match="HEXAD_REALTIME_HOST moves ours") as refused:
        _listen(settings)
    assert refused.value.detail.count(host) == 1


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"origins": "app.example.com"}, "HEXAD_ORIGINS"), ({"socket_ping": 90.0}, "HEXAD_SOCKET_SILENCE")],
)
def test_a_wrong_setting_is_named(
    own_settings: Settings, free_port: Callable[[], int], changed: dict[str, object], named: str
) -> None:
    result = start(msgspec.structs.replace(own_settings, realtime_port=free_port(), **changed))
    assert result.returncode == 1
    assert named in result.stdout + result.stderr
