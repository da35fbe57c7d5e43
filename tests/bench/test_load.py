"""The load counts what was answered, and excuses no server from those it kept waiting."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bench.listener import listening
from bench.load import Load, Request, measured, send
from kernel.errors import Unavailable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
NO = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


@contextlib.asynccontextmanager
async def server(*answers: bytes, pause: float = 0.0) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Gives these answers in turn, each in two parts; its port, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            answer = answers[len(asked) % len(answers)]
            await asyncio.sleep(pause)
            writer.write(answer[:30])
            await writer.drain()
            writer.write(answer[30:])

    async with listening(serve) as port:
        yield port, asked


async def test_a_closed_loop_keeps_every_connection_busy() -> None:
    async with server(OK, pause=0.01) as (port, asked):
        done = await send(Load(port, 3, 0.5, [Request("/a", "t1"), Request("/b", "t2", "br")]))
    assert done.failures == 0
    assert 30 < done.requests <= len(asked)
    assert done.p50 >= 10
    heads = {one.split(b"\r\n")[0] for one in asked}
    assert heads == {b"GET /a HTTP/1.1", b"GET /b HTTP/1.1"}
    assert any(b"Authorization: Bearer t2\r\nAccept-Encoding: br\r\n" in one for one in asked)


async def test_what_is_not_200_has_failed() -> None:
    async with server(OK, NO) as (port, _):
        done = await send(Load(port, 1, 0.3, [Request("/a", "t")]))
    assert done.failures > 0
    assert done.requests > 0


async def test_an_open_loop_counts_the_time_in_which_a_request_was_kept_waiting() -> None:
    async with server(OK, pause=0.05) as (port, _):
        done = await send(Load(port, 1, 1.0, [Request("/a", "t")], rate=40.0))
    assert done.requests > 20  # all that were due, though the server takes twenty a second
    assert done.longest > 300


async def test_a_process_of_its_own_measures() -> None:
    async with server(OK) as (port, _):
        done = await asyncio.to_thread(measured, Load(port, 2, 0.2, [Request("/a", "t")]))
    assert done.requests > 0
    with pytest.raises(Unavailable):
        await asyncio.to_thread(measured, Load(1, 1, 0.1, [Request("/a", "t")]))
