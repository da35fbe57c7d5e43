"""The clients against a bare server: whatever is sent is counted, and what is not answered is a failure."""

import asyncio
import socket

import msgspec
import pytest

from bench.chatter import Chatter, Connection, Talk, _say, measured, talk
from bench.servers import echo
from kernel.errors import Unavailable
from kernel.settings import Settings
from tests.bench.test_echo import silent

TALKS = [Talk("1", "00000000-0000-0000-0000-000000000001")] * 2


def test_everything_is_answered_in_a_process_of_its_own(settings: Settings) -> None:
    with echo(settings) as server:
        run = measured(Chatter(server.port, TALKS, 1, 200))
    assert run.failures == 0
    assert 100 < run.requests < 300
    assert 0 < run.p50 <= run.p99 <= run.longest


def test_nobody_there_is_said() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="nothing could be said"):
            measured(Chatter(held.getsockname()[1], TALKS, 0.1, 10))


async def test_what_is_not_answered_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.chatter._ANSWER_SECONDS", 0.2)
    monkeypatch.setattr("bench.chatter._WARM_SECONDS", 0.1)
    async with silent() as port:
        run = await talk(Chatter(port, TALKS, 0.3, 100))
    assert (run.requests, run.failures > 10) == (0, True)


async def test_no_message_is_said_twice() -> None:
    """What is sent again under its number is not stored again, and would be measured as if it were."""
    sent: dict[str, float] = {}
    listening = Connection(sent, [])
    chatter = Chatter(0, TALKS[:1], 0.2, 500)
    count = sum([await _say(chatter, [listening], sent, 0.2) for _ in range(2)])
    assert len(sent) == count > 100


async def test_frames_that_come_in_pieces_are_put_together() -> None:
    times: list[float] = []
    connection = Connection({"c": 0.0}, times)
    text = msgspec.json.encode({"type": "accepted", "client_id": "c", "pad": "x" * 200})
    data = b"HTTP/1.1 101 x\r\n\r\n" + b"\x81\x7e" + len(text).to_bytes(2) + text + b"\x81\x02{}"[:2]
    for byte in data:
        connection.data_received(bytes([byte]))
    assert len(times) == 1
    assert await asyncio.wait_for(connection.ready, 60) == "open"
