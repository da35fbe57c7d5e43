"""What a client notices of a running node: what it answers, what it refuses, and with which code it closes."""

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.realtime.conftest import ORIGIN, Node, People, wait_until


async def test_auth_is_answered_by_ready_with_nothing_in_it_yet(node: Node, people: People) -> None:
    session_id = await people.session("10086")
    async with node.client() as client:
        assert client.socket.subprotocol == "hexad.v1"
        ready = await client.ask(type="auth", token=people.issue(session_id, "10086"), device_id="phone")
    at = datetime.fromisoformat(ready.pop("server_time"))
    assert at.utcoffset() is not None
    assert ready.pop("epoch")
    assert ready == {
        "type": "ready",
        "session_id": str(session_id),
        "principal": "staff:10086",
        "conversations": [],
        "resync": [],
    }


async def test_an_investor_signs_in_and_a_ping_comes_back_with_its_number(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("660001", "investor")) as client:
        for n in (0, 7, 2**53 - 1):
            assert await client.ask(type="ping", n=n) == {"type": "pong", "n": n}


async def test_resume_of_conversations_that_are_not_there_is_no_error(node: Node, people: People) -> None:
    token = await people.token("10086")
    async with node.client() as client:
        ready = await client.ask(type="auth", token=token, device_id="d", resume={str(uuid.uuid4()): 5})
    assert ready["type"] == "ready"
    assert ready["resync"] == []


async def test_frames_sent_at_once_are_answered_in_their_order(node: Node, people: People) -> None:
    async with node.client() as client:
        await client.send(type="auth", token=await people.token("10086"), device_id="d")
        for n in range(90):
            await client.send(type="ping", n=n)
        answers = [await client.receive() for _ in range(91)]
    assert [answer.get("n", answer["type"]) for answer in answers] == ["ready", *range(90)]


async def test_before_auth_a_ping_is_refused_and_auth_may_still_come(node: Node, people: People) -> None:
    async with node.client() as client:
        assert (await client.ask(type="ping", n=1))["code"] == "not_allowed"
        assert (await client.ask(type="auth", token=await people.token("10086"), device_id="d"))["type"] == "ready"


async def test_without_auth_the_socket_is_closed_when_5_seconds_are_over(node: Node) -> None:
    began = asyncio.get_running_loop().time()
    async with node.client() as client:
        assert await client.closed() == 4401
    assert asyncio.get_running_loop().time() - began > 4.5


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", 4400),
        ("", 4400),
        ("[]", 4400),
        ('{"type":"shout"}', 4400),
        ('{"type":"ping","n":1,"x":2}', 4400),
        ('{"type":"ping","n":NaN}', 4400),
        ('{"type":"ping","n":' + "[" * 60_000, 4400),
        ('{"type":"ping","n":"\\ud800","x":1}', 4400),
        (b'{"type":"ping","n":1}', 4400),
        (b"", 4400),
        ("x" * (64 * 1024 + 1), 1009),
        (b"\x00" * (200 << 10), 1009),
        (["x" * 40_000, "x" * 40_000], 1009),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("when", ["before auth", "after auth"])
async def test_what_is_no_frame_closes_the_socket(
    node: Node, people: People, when: str, message: Any, code: int
) -> None:
    async with node.client() as client:
        if when == "after auth":
            await client.ask(type="auth", token=await people.token("10086"), device_id="d")
        await client.socket.send(message)
        assert await client.closed() == code


async def test_text_that_is_not_utf8_closes_the_socket(node: Node) -> None:
    async with node.client() as client:
        await client.socket.send(b"\xff\xfe", text=True)
        assert await client.closed() == 1007


async def test_a_frame_of_64_kib_is_read(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        frame = json.dumps({"type": "ping", "n": 1})
        await client.socket.send(frame.ljust(64 * 1024))
        assert await client.receive() == {"type": "pong", "n": 1}


@pytest.mark.parametrize("n", ['"1"', "-1", "1.5", "1e400", "9007199254740992", "9" * 5000, "null", "[]"])
async def test_a_value_out_of_bounds_is_an_error_and_no_end(node: Node, people: People, n: str) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        await client.socket.send(f'{{"type":"ping","n":{n}}}')
        assert (await client.receive())["code"] == "bad_frame"
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


async def test_more_than_100_frames_at_once_close_the_socket(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        for n in range(130):
            await client.send(type="ping", n=n)
        assert await client.closed() == 4029


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "https://evil.example.com"}, 403),
        ({"origin": "http://app.example.com"}, 403),
        ({"origin": ORIGIN + ":8443"}, 403),
        ({"origin": "null"}, 403),
        ({"subprotocols": None}, 400),
        ({"subprotocols": ["hexad.v2"]}, 400),
    ],
)
async def test_an_upgrade_that_is_refused(node: Node, options: dict[str, Any], status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with node.client(**options):
            pass
    assert refused.value.response.status_code == status
    assert refused.value.response.body


async def test_a_browser_from_a_listed_origin_comes_in(node: Node, people: People) -> None:
    for origin in (ORIGIN, "http://localhost:5173"):
        async with node.client(origin=origin) as client:
            assert (await client.ask(type="auth", token=await people.token("1"), device_id="d"))["type"] == "ready"


def test_a_token_in_the_address_is_refused_and_not_logged(node: Node) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "hexad.v1",
    }
    assert httpx.get(f"http://{node.address}/ws?token=canary-in-the-address", headers=upgrade).status_code == 400
    assert "canary" not in node.log.read_text()


def test_without_an_upgrade_it_says_that_this_is_a_websocket(node: Node) -> None:
    answer = httpx.get(f"http://{node.address}/ws")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"


async def test_health_and_metrics(node: Node, people: People) -> None:
    assert node.status("/health/live") == 200
    await asyncio.to_thread(wait_until, lambda: node.status("/health/ready") == 200)
    assert node.status("/nothing") == 404
    async with node.signed_in(await people.token("10086")) as client:
        await client.ask(type="ping", n=1)
        async with httpx.AsyncClient() as http:
            shown = (await http.get(f"http://{node.address}/metrics")).text
    assert 'hexad_websocket_connections{audience="staff"} 1.0' in shown
    assert 'hexad_websocket_frames_total{direction="out",type="pong"}' in shown
    assert 'hexad_websocket_frames_total{direction="in",type="any"}' in shown


def test_metrics_look_missing_from_other_networks(start_node: Callable[..., Node]) -> None:
    node = start_node(metrics_from="10.0.0.0/8")
    assert node.status("/metrics") == 404


def test_a_trusted_proxy_says_where_a_client_is_and_others_are_not_believed(start_node: Callable[..., Node]) -> None:
    asked = {"X-Forwarded-For": "198.51.100.7"}
    for proxies, status in (("127.0.0.1/32", 200), ("", 404)):
        node = start_node(metrics_from="198.51.100.0/24", trusted_proxies=proxies)
        assert httpx.get(f"http://{node.address}/metrics", headers=asked).status_code == status


async def test_a_hundred_clients_at_once(node: Node, people: People) -> None:
    tokens = [await people.token(f"many-{n}") for n in range(5)]

    async def visit(n: int) -> None:
        async with node.signed_in(tokens[n % 5]) as client:
            assert await client.ask(type="ping", n=n) == {"type": "pong", "n": n}

    await asyncio.gather(*(visit(n) for n in range(100)))
