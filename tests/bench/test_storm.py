"""Sockets that are cut at once: all of them come back, and one that cannot is said."""

import asyncio

import pytest

from bench import storm
from bench.chatter import Talk
from bench.servers import echo
from bench.storm import Storm
from kernel.errors import Unavailable
from kernel.settings import Settings

TALKS = [Talk("", "00000000-0000-0000-0000-000000000001")] * 20


def test_everybody_comes_back_in_each_round(settings: Settings) -> None:
    with echo(settings) as server:
        runs = storm.measured(Storm(server.port, TALKS, 2))
    assert [(one.requests, one.failures) for one in runs] == [(20, 0)] * 2
    assert all(0 < one.p50 <= one.longest <= one.seconds * 1000 for one in runs)


class Mute(asyncio.Protocol):
    """A server that says nothing, or one thing."""

    def __init__(self, says: bytes) -> None:
        self._says = says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._says)
        if self._says:
            transport.close()


async def blown(says: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Mute(says), "127.0.0.1", 0)
    async with server:
        await storm.blow(Storm(server.sockets[0].getsockname()[1], TALKS, 1))


async def test_who_hears_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storm, "_ROUND_SECONDS", 0.3)
    with pytest.raises(TimeoutError):
        await blown(b"")


async def test_who_is_refused_ends_it() -> None:
    with pytest.raises(Unavailable, match="refused"):
        await blown(b"HTTP/1.1 503 x\r\n\r\n")
