"""A listener that Valkey was taken from listens again once it is back, and knows that it was deaf."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from uuid_utils.compat import uuid7

from kernel.bus import valkey
from kernel.bus.valkey import ValkeyBus
from kernel.settings import Settings
from mobile_contracts.event import SessionEnded
from tests.brokers import on_valkey
from tests.conftest import REDIS_URL
from tests.faults.wire import wire
from tests.kernel.bus.conftest import listening


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    """Where the wire begins."""
    return free_port()


@pytest.fixture
def reached(settings: Settings) -> Iterator[Settings]:
    """Settings of a bus that is reached directly."""
    yield from on_valkey(settings)


@pytest.fixture
def wired(settings: Settings, port: int) -> Iterator[Settings]:
    """Settings of a bus that is reached through the wire."""
    yield from on_valkey(settings, f"redis://127.0.0.1:{port}/0")


async def test_a_listener_that_was_cut_off_comes_back(wired: Settings, port: int) -> None:
    bus, event = ValkeyBus(wired), SessionEnded(session_id=uuid7())
    with wire(port, REDIS_URL):
        listener = listening(bus)
        ear = await listener.__aenter__()
    assert not await bus.tell([event])
    with wire(port, REDIS_URL):
        await ear.until(lambda heard: heard == [None, None])
        while not await bus.tell([event]):
            pass
        await ear.until(lambda heard: heard[-1] == event)
        await listener.__aexit__(None, None, None)
        await bus.close()


async def test_silence_is_asked_about(reached: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "LOOK_SECONDS", 0.05)
    bus, event = ValkeyBus(reached), SessionEnded(session_id=uuid7())
    async with listening(bus) as ear:
        await asyncio.sleep(0.5)  # several questions, none of which looks like losing the connection
        assert ear.heard == [None]
        assert await bus.tell([event])
        await ear.until(lambda heard: heard == [None, event])
    await bus.close()
