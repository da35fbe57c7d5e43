"""The load: raw keep-alive connections in a process of its own, so that it is never what is measured.

A closed loop keeps every connection busy. An open loop sends at random moments of a fixed rate, whatever comes back;
its times count from when a request was due, so that a server that stalls is not excused from those it kept waiting.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

from bench.figures import Run, percentile
from kernel.errors import Unavailable

_WARM_SHARE = 0.2
_ANSWER_SECONDS = 30.0


class Request(Struct, frozen=True):
    """A GET by somebody who is signed in."""

    path: str
    token: str
    accept_encoding: str = ""

    def __bytes__(self) -> bytes:
        encoding = f"Accept-Encoding: {self.accept_encoding}\r\n" if self.accept_encoding else ""
        return (
            f"GET {self.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n{encoding}\r\n".encode()
        )


class Load(Struct, frozen=True):
    """What is sent where, for how long; `rate` 0 is a closed loop, else requests a second."""

    port: int
    connections: int
    seconds: float
    requests: list[Request]
    rate: float = 0.0
    seed: int = 1


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received, self._answer = bytearray(), asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0 or self._answer.done():
            return
        headers = bytes(self._received[:head]).lower()
        begin = headers.find(b"content-length: ")
        end = headers.find(b"\r\n", begin)
        length = int(headers[begin + 16 : end if end >= 0 else None]) if begin >= 0 else 0
        if len(self._received) >= head + 4 + length:
            self._answer.set_result(headers.startswith(b"http/1.1 200"))
            self._received.clear()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_result(False)

    async def ask(self, request: bytes) -> bool:
        """Sends one request; whether the answer was 200."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return bool(await self._answer)

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()


def measured(load: Load) -> Run:
    """Runs the load in a process of its own; raises `Unavailable` when that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=msgspec.json.encode(load), capture_output=True, check=False,
        timeout=load.seconds * 2 + 2 * _ANSWER_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"the load could not be sent: {done.stderr.decode(errors='replace')[-500:]}")
    return msgspec.json.decode(done.stdout, type=Run)


async def send(load: Load) -> Run:
    """A fifth of the time to get warm, which is not counted, then the load."""
    connections = await _connected(load)
    raw = [bytes(one) for one in load.requests]
    random.Random(load.seed).shuffle(raw)
    try:
        await _closed(connections, raw, load.seconds * _WARM_SHARE)
        return await (_open(connections, raw, load) if load.rate else _closed(connections, raw, load.seconds))
    finally:
        for one in connections:
            one.close()


async def _connected(load: Load) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", load.port) for _ in range(load.connections)]
    return [protocol for _, protocol in made]


async def _closed(connections: Sequence[Connection], raw: Sequence[bytes], seconds: float) -> Run:
    times: list[float] = []
    failures, begun, busy = 0, time.perf_counter(), time.process_time()

    async def keep_busy(connection: Connection, place: int) -> None:
        nonlocal failures
        while (sent := time.perf_counter()) < begun + seconds:
            good = await connection.ask(raw[place % len(raw)])
            times.append(time.perf_counter() - sent)
            failures += not good
            place += len(connections)
            if not good:
                await asyncio.sleep(0.01)  # a server that refuses is not hammered

    async with asyncio.timeout(seconds + _ANSWER_SECONDS):
        await asyncio.gather(*(keep_busy(one, place) for place, one in enumerate(connections)))
    return _run(times, failures, begun, busy)


async def _open(connections: Sequence[Connection], raw: Sequence[bytes], load: Load) -> Run:
    moments, free, times = random.Random(load.seed), deque(connections), list[float]()
    waiting: deque[tuple[float, bytes]] = deque()
    under_way: set[asyncio.Task[None]] = set()
    failures, begun, busy, due, sent = 0, time.perf_counter(), time.process_time(), 0.0, 0

    async def ask(connection: Connection, moment: float, request: bytes) -> None:
        nonlocal failures
        while True:
            failures += not await connection.ask(request)
            times.append(time.perf_counter() - moment)
            if not waiting:
                free.append(connection)
                return
            moment, request = waiting.popleft()

    while (due := due + moments.expovariate(load.rate)) < load.seconds:
        await asyncio.sleep(max(0.0, begun + due - time.perf_counter()))
        request, sent = raw[sent % len(raw)], sent + 1
        if free:
            task = asyncio.create_task(ask(free.popleft(), begun + due, request))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        else:
            waiting.append((begun + due, request))
    async with asyncio.timeout(_ANSWER_SECONDS):
        await asyncio.gather(*under_way)
    return _run(times, failures, begun, busy)


def _run(times: list[float], failures: int, begun: float, busy: float) -> Run:
    seconds, used = time.perf_counter() - begun, time.process_time() - busy
    ordered = sorted(times)
    p50, p99, longest = (percentile(ordered, share) * 1000 for share in (0.5, 0.99, 1.0))
    return Run(len(times) - failures, failures, seconds, p50, p99, longest, used / seconds)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(uvloop.run(send(msgspec.json.decode(sys.stdin.buffer.read(), type=Load))))
    )
