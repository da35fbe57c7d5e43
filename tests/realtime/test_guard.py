"""Peers that flood, stall or vanish: a node gives them a moment and no memory."""

import asyncio
import base64
import contextlib
import re
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
import pytest
import uvicorn
from websockets.asyncio.client import connect

from realtime import guard
from tests.realtime.conftest import Client, Node, People

LONGER_THAN_UVICORN_KEEPS_AN_IDLE_CONNECTION = 7.0
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: hexad.v1\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


class Raw:
    """A peer that speaks the protocol by hand, and pongs to nothing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def upgrade(self, method: bytes = b"GET") -> bytes:
        """Sends an upgrade and gives the first line of the answer."""
        self.writer.write(
            method + b" /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: hexad.v1\r\nSec-WebSocket-Key: "
            + base64.b64encode(secrets.token_bytes(16)) + b"\r\n\r\n"
        )  # fmt: skip
        return (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]

    async def until_closed(self, seconds: float) -> bytes:
        """Everything that still comes."""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""


@contextlib.asynccontextmanager
async def raw(port: int) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


async def test_a_flood_of_pings_closes_the_socket(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        for _ in range(150):
            await client.socket.ping()
        assert await client.closed() == 4029


async def test_a_flood_of_pongs_that_nobody_asked_for_closes_the_socket(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        for _ in range(150):
            await client.socket.pong()
        assert await client.closed() == 4029


async def test_a_flood_of_empty_fragments_closes_the_socket(node: Node) -> None:
    async with node.client() as client:
        await client.socket.send([""] * 150)
        assert await client.closed() == 4029


async def test_a_message_in_a_few_fragments_is_read(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        await client.socket.send(['{"type":', '"ping",', '"n":1}'])
        assert await client.receive() == {"type": "pong", "n": 1}


async def test_a_peer_in_the_midst_of_4_mib_hears_that_it_is_too_much(node: Node) -> None:
    async with raw(node.settings.realtime_port) as peer:
        assert b"101" in await peer.upgrade()
        peer.writer.write(b"\x82\xff" + struct.pack("!Q", 4 << 20) + bytes(4 + (4 << 20)))
        heard = await peer.until_closed(5)
        assert heard[:1] == b"\x88"
        assert heard[2:4] == struct.pack("!H", 1009)


async def test_a_peer_that_is_silent_is_pinged_and_then_dropped(start_node: Callable[..., Node]) -> None:
    node = start_node(socket_ping=0.5, socket_silence=1.0)
    async with raw(node.settings.realtime_port) as peer:
        assert b"101" in await peer.upgrade()
        heard = await peer.until_closed(30)
        assert heard[:2] == b"\x89\x04", "a ping"
        assert heard[6:7] == b"\x88"
        assert heard[8:10] == struct.pack("!H", 4008)


async def test_a_peer_that_speaks_is_alive_though_it_answers_no_ping(start_node: Callable[..., Node]) -> None:
    node = start_node(socket_ping=0.3, socket_silence=2.3)

    async def speak(peer: Raw) -> None:
        while True:
            peer.writer.write(b"\x8a\x80\0\0\0\0")  # a pong that nobody asked for has no answer
            await asyncio.sleep(0.05)

    async with raw(node.settings.realtime_port) as peer, asyncio.timeout(60):
        assert b"101" in await peer.upgrade()
        speaking = asyncio.create_task(speak(peer))
        for _ in range(2):
            assert (await peer.reader.readexactly(6))[:2] == b"\x89\x04", "another ping, no closing"
        speaking.cancel()


async def test_a_peer_that_pongs_is_kept(start_node: Callable[..., Node], own_people: People) -> None:
    node = start_node(socket_ping=0.2, socket_silence=3.2)
    async with node.signed_in(await own_people.token("10086")) as client:
        with pytest.raises(TimeoutError):
            await client.receive(5)
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


async def test_connections_that_become_no_socket_are_dropped(node: Node) -> None:
    port = node.settings.realtime_port

    async def says(text: bytes) -> None:
        async with raw(port) as peer:
            peer.writer.write(text)
            await peer.until_closed(guard.UPGRADE_SECONDS + 3)

    head = b"/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    await asyncio.gather(
        says(b""),
        says(b"GET " + head),
        says(b"POST " + head + b"\r\n"),
        says(b"GET " + head + b"Content-Length: 10\r\n\r\n"),
        says(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HTTP/1.1\r\n"),
    )
    assert node.status("/health/live") == 200


@pytest.mark.parametrize("head", [b"GET /ws HTTP/1.1\r\nHost: x\r\nX-A: ", b"GET /", b"POST / HTTP/1.1\r\nX-A: "])
async def test_a_request_without_end_is_not_taken(node: Node, head: bytes) -> None:
    async def floods(peer: Raw) -> None:
        for _ in range(1_000):
            peer.writer.write(b"a" * 64_000)
            await peer.writer.drain()

    async with raw(node.settings.realtime_port) as peer, asyncio.timeout(60):
        peer.writer.write(head)
        with pytest.raises(ConnectionError):
            await floods(peer)
    assert node.status("/health/live") == 200


async def test_requests_sent_at_once_take_their_turn(start_node: Callable[..., Node]) -> None:
    """Whoever sends thousands and reads nothing costs no more than what they have sent."""
    node = start_node()
    process = psutil.Process(node.process.pid)
    async with contextlib.AsyncExitStack() as peers:
        for _ in range(60):
            peer = await peers.enter_async_context(raw(node.settings.realtime_port))
            peer.writer.write((b"GET / HTTP/1.1\r\nHost:x\r\n\r\n" * 3_000)[:65_000])
        await asyncio.sleep(0)
        async with node.client() as client:
            assert (await client.ask(type="ping", n=1))["type"] == "error"
        assert process.memory_info().rss < 2**20 * 400
        assert node.stop() == 0
    node.check_lines()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"\0\0\0\0\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /health/live HTTP/9.9\r\n\r\n", 200),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET /health/live HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\nHost: x\r\n\r\n", 200),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 404),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", 426),
        (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)
async def test_what_is_no_upgrade_has_an_answer_and_is_no_fault_of_ours(node: Node, text: bytes, status: int) -> None:
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(text)
        async with asyncio.timeout(60):
            assert (await peer.reader.readline()).split()[1] == b"%d" % status
    node.check_lines()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"/ws ", b"/wss "), 404),
        ((b"/ws ", b"/ws?token=x "), 400),
        ((b"hexad.v1", b"hexad.v9"), 400),
        ((b"Version: 13", b"Version: 8"), 400),
        ((b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: x"), 400),
        ((b"Sec-WebSocket-Key", b"X-Key"), 400),
        ((b"GET", b"POST"), 405),
        ((b"/ws ", b"/\xff "), 400),
        ((b"Host: x", b"Host: \xe4"), 101),
        ((b"Host: x", b"Host:x\r\nX-A: \t"), 101),
        ((b"websocket", b"websocket "), 101),
        ((b"Host: x", b"Host: x\r\nUpgrade: h2c"), 426),
        ((b"Host: x", b"Host: x" + b"\r\nX: y" * 130), 431),
        ((b"Host: x", b"Host: x\r\nCookie: " + b"c" * 8300), 431),
        ((b"/ws ", b"/ws" + b"s" * 9000 + b" "), 414),
        ((b"Host: x", b"Host: x\r\nContent-Length: 10"), 400),
        ((b"Host: x", b"Host: x\r\nTransfer-Encoding: chunked"), 400),
        ((b"\r\n\r\n", b"\r\n\r\n\x81\x80\0\0\0\0"), 400),
    ],
)
async def test_an_upgrade_has_its_answer_at_once_and_is_no_fault_of_ours(
    node: Node, change: tuple[bytes, bytes], status: int
) -> None:
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(UPGRADE.replace(*change))
        assert (await peer.reader.readline()).split()[1] == b"%d" % status
        if status != 101:
            await peer.until_closed(60)
    node.check_lines()


async def test_an_upgrade_that_failed_does_not_keep_the_node_from_stopping_well(
    start_node: Callable[..., Node],
) -> None:
    node = start_node()
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(UPGRADE.replace(b"Host: x", b"Host: x\r\nContent-Length: 10"))
        assert b"400" in await peer.reader.readline()
        assert node.stop() == 0
    node.check_lines()


async def test_a_socket_opened_behind_requests_is_answered_in_its_turn_and_lives_on(node: Node) -> None:
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + UPGRADE)
        answers = [await peer.reader.readuntil(b"\r\n\r\n") for _ in range(4)]
        assert [re.findall(rb"HTTP/1.1 (\d+)", one) for one in answers] == [[b"200"]] * 3 + [[b"101"]]
        with pytest.raises(TimeoutError):
            await peer.until_closed(LONGER_THAN_UVICORN_KEEPS_AN_IDLE_CONNECTION)


async def test_the_body_of_an_upgrade_that_is_not_had_is_no_request(node: Node) -> None:
    """A proxy may send the next request, of somebody else, over the same connection."""
    prefix = b"GET /nothing HTTP/1.1\r\nX: "
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(b"POST /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: foo\r\n")
        peer.writer.write(b"Content-Length: %d\r\n\r\n" % len(prefix))
        assert b" 426 " in await peer.reader.readuntil(b"hexad.v1")
        peer.writer.write(prefix)
        peer.writer.write(UPGRADE)
        assert b" 101 " in await peer.reader.readline()


async def test_trailers_are_no_headers(start_node: Callable[..., Node]) -> None:
    node = start_node(metrics_from="198.51.100.0/24", trusted_proxies="127.0.0.1/32")
    async with raw(node.settings.realtime_port) as peer:
        peer.writer.write(
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\nX-Forwarded-For: 198.51.100.7\r\n\r\n"
        )
        assert b" 404 " in await peer.reader.readline()


@pytest.mark.parametrize(
    "change",
    [
        (b"GET", b"get"), (b"HTTP/1.1", b"HTTP/1.0"), (b"Host: x\r\n", b""), (b"Host: x", b"Host: x\r\nhost: y"),
        (b"Host: x", b"Host: x\r\nContent-Length: 0"), (b"Host: x", b"Host: x\r\nexpect: 100-continue"),
        (b"Host: x", b"Host : x"), (b"Host: x", b"Host: x\r\n y"), (b"Host: x", b"Host: \0"),
        (b"Connection: Upgrade", b"Connection: keep-alive"), (b"websocket", b"h2c"), (b"\r\n", b"\n"),
        (b"\r\n\r\n", b"\r\n\r\n\x81"), (b"\r\n\r\n", b"\r\n"),
    ],
)  # fmt: skip
def test_only_an_upgrade_in_which_nothing_is_unusual_passes_the_parser(change: tuple[bytes, bytes]) -> None:
    assert guard.is_plain_upgrade(UPGRADE)
    assert guard.is_plain_upgrade(UPGRADE.replace(b"Connection: Upgrade", b"connection: keep-alive, Upgrade"))
    assert not guard.is_plain_upgrade(UPGRADE.replace(*change))


@contextlib.asynccontextmanager
async def talkative(ended: asyncio.Event) -> AsyncIterator[int]:
    """A server with our connections and an app that sends without end; gives its port."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        with contextlib.suppress(OSError):
            while True:
                await send({"type": "websocket.send", "text": "x" * 60_000})
        assert (await receive())["code"] == 4008
        ended.set()

    config = uvicorn.Config(app, port=0, http=guard.Http, ws=guard.WebSocket, ws_per_message_deflate=False,
                            lifespan="off", log_config=None)  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
        async with asyncio.timeout(60):
            while server.server_state.connections:  # a set of uvicorn's, without an event
                await asyncio.sleep(0.02)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 60)


async def test_a_client_that_does_not_read_is_cut_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SEND_SECONDS", 0.3)
    monkeypatch.setattr(guard, "LINGER_SECONDS", 0.3)
    ended = asyncio.Event()
    async with talkative(ended) as port, raw(port) as peer:
        assert b"101" in await peer.upgrade()
        await asyncio.wait_for(ended.wait(), 60)


async def test_a_node_that_stood_still_itself_does_not_blame_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SEND_SECONDS", 2.0)
    monkeypatch.setattr(guard, "ABSENT_SECONDS", 0.5)
    monkeypatch.setattr(guard, "LINGER_SECONDS", 0.3)
    ended, paused = asyncio.Event(), asyncio.Event()
    pause = guard.WebSocket.pause_writing

    def noted(self: guard.WebSocket) -> None:
        pause(self)
        paused.set()

    monkeypatch.setattr(guard.WebSocket, "pause_writing", noted)
    async with talkative(ended) as port, raw(port) as peer:
        assert b"101" in await peer.upgrade()
        await paused.wait()
        time.sleep(3)
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert not ended.is_set()
        async with asyncio.timeout(60):
            await ended.wait()


async def test_a_client_that_reads_again_in_time_learns_why_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SEND_SECONDS", 0.3)
    ended = asyncio.Event()
    async with talkative(ended) as port, connect(f"ws://127.0.0.1:{port}", max_queue=1, proxy=None) as socket:
        await asyncio.wait_for(ended.wait(), 60)
        assert await Client(socket).closed() == 4008
        await socket.wait_closed()
