"""The clients of `hexad bench chat`: bare WebSockets in a process of their own, so that they are not what is measured.

Open loop: messages leave at random moments of a fixed rate, whatever comes back; the time until `accepted` counts from
when a message was due, so that a server that stalls is not excused from those it kept waiting.
"""

import asyncio
import base64
import os
import random
import struct
import subprocess
import sys
import time
from typing import cast
from uuid import uuid4

import msgspec
import uvloop
from msgspec import Struct

from bench.figures import Run, percentile
from kernel.errors import Unavailable

_WARM_SECONDS = 1.0
_ANSWER_SECONDS = 30.0
_OPENED_AT_ONCE = 50
_BODY = "您好，请问我的持仓里这只基金最近怎么样？需要调整吗？"


class Talk(Struct, frozen=True):
    """One side of a conversation: where it signs in, as whom; without a token it just begins."""

    token: str
    conversation_id: str


class Chatter(Struct, frozen=True):
    """What is said over which connections, for how long, at which rate in messages a second."""

    port: int
    talks: list[Talk]
    seconds: float
    rate: float
    seed: int = 1


class Answer(Struct):
    """Of a frame of the server, what the client looks at."""

    type: str
    client_id: str = ""
    code: str = ""


_answers = msgspec.json.Decoder(Answer)


class Connection(asyncio.Protocol):
    """One WebSocket: masks what it sends with zeros, and takes server frames of up to 64 KiB."""

    def __init__(self, sent: dict[str, float], times: list[float]) -> None:
        self.sent, self._times = sent, times
        self._data = bytearray()
        self._open = False
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.errors = self.messages = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: hexad.v1\r\n\r\n".encode()
        )

    def send(self, text: bytes) -> None:
        """Sends a frame."""
        size = len(text)
        head = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
        if self._transport is not None:
            self._transport.write(head + b"\0\0\0\0" + text)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._open:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            self._open = self._data.startswith(b"HTTP/1.1 101")
            del self._data[: end + 4]
            self.ready.set_result("open" if self._open else "refused")
        at = 0
        while (frame := self._frame(at)) is not None:
            begin, at = frame
            if self._data[begin[0]] & 0x0F == 1:
                self._heard(bytes(self._data[begin[1] : at]))
        del self._data[:at]

    def _frame(self, at: int) -> tuple[tuple[int, int], int] | None:
        """Where the frame at a place begins, its text too, and where it ends; null when it is not all there."""
        if len(self._data) < at + 2:
            return None
        size, text = self._data[at + 1], at + 2
        if size == 126:
            if len(self._data) < at + 4:
                return None
            size, text = int.from_bytes(self._data[at + 2 : at + 4]), at + 4
        return None if len(self._data) < text + size else ((at, text), text + size)

    def _heard(self, text: bytes) -> None:
        answer = _answers.decode(text)
        if answer.type == "accepted":
            if (due := self.sent.pop(answer.client_id, None)) is not None:
                self._times.append(time.perf_counter() - due)
        elif answer.type == "message":
            self.messages += 1
        elif answer.type == "error":
            self.errors += 1
            self.sent.pop(answer.client_id, None)
        elif answer.type == "ready" and not self.ready.done():
            self.ready.set_result("ready")

    def connection_lost(self, error: Exception | None) -> None:
        self.errors += 1
        if not self.ready.done():
            self.ready.set_result("lost")

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.abort()


def measured(chatter: Chatter) -> Run:
    """Runs it in a process of its own; raises `Unavailable` when that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.chatter"], input=msgspec.json.encode(chatter), capture_output=True, check=False,
        timeout=chatter.seconds + 3 * _ANSWER_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"nothing could be said: {done.stderr.decode(errors='replace')[-500:]}")
    return msgspec.json.decode(done.stdout, type=Run)


async def talk(chatter: Chatter) -> Run:
    """Signs everybody in, says what is to be said, and waits for what is outstanding."""
    sent: dict[str, float] = {}
    times: list[float] = []
    people = await _signed_in(chatter, sent, times)
    await _say(chatter, people, sent, _WARM_SECONDS)
    await _answered(sent)
    times.clear()
    begun, busy = time.perf_counter(), time.process_time()
    count = await _say(chatter, people, sent, chatter.seconds)
    await _answered(sent)
    seconds, used = time.perf_counter() - begun, time.process_time() - busy
    ordered = sorted(times)
    p50, p99, longest = (percentile(ordered, share) * 1000 for share in (0.5, 0.99, 1.0))
    for one in people:
        one.close()
    return Run(len(times), count - len(times), seconds, p50, p99, longest, used / seconds)


async def _signed_in(chatter: Chatter, sent: dict[str, float], times: list[float]) -> list[Connection]:
    loop, people = asyncio.get_running_loop(), list[Connection]()
    for at in range(0, len(chatter.talks), _OPENED_AT_ONCE):
        part = chatter.talks[at : at + _OPENED_AT_ONCE]
        made = [
            (await loop.create_connection(lambda: Connection(sent, times), "127.0.0.1", chatter.port))[1] for _ in part
        ]
        for one, who in zip(made, part, strict=True):
            assert await one.ready == "open"
            one.ready = loop.create_future()
            one.send(msgspec.json.encode({"type": "auth", "token": who.token, "device_id": "bench"}))
        assert {await one.ready for one in made} == {"ready"}
        people += made
    return people


async def _say(chatter: Chatter, people: list[Connection], sent: dict[str, float], seconds: float) -> int:
    """Gives how many messages were due; each has a number of its own, since one given twice is not stored again."""
    moments, begun, due, count = random.Random(chatter.seed), time.perf_counter(), 0.0, 0
    order = list(range(len(people)))
    moments.shuffle(order)
    while (due := due + moments.expovariate(chatter.rate)) < seconds:
        if (left := begun + due - time.perf_counter()) > 0:
            await asyncio.sleep(left)
        elif count % 20 == 0:
            await asyncio.sleep(0)
        who = order[count % len(order)]
        client_id = str(uuid4())
        count += 1
        sent[client_id] = begun + due
        people[who].send(sending(client_id, chatter.talks[who].conversation_id))
    return count


def sending(client_id: str, conversation_id: str) -> bytes:
    """The frame of one message."""
    frame = {"type": "send", "client_id": client_id, "conversation_id": conversation_id, "kind": "text", "body": _BODY}
    return msgspec.json.encode(frame)


async def _answered(sent: dict[str, float]) -> None:
    until = time.perf_counter() + _ANSWER_SECONDS
    while sent and time.perf_counter() < until:  # noqa: ASYNC110  # it is the connections that empty it
        await asyncio.sleep(0.01)
    sent.clear()


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(uvloop.run(talk(msgspec.json.decode(sys.stdin.buffer.read(), type=Chatter))))
    )
