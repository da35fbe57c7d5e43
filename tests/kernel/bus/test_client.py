"""What one process tells, every other hears at once; nonsense on the bus harms nobody."""

from typing import NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from kernel.bus.choice import open_bus
from kernel.bus.client import MESSAGE_AT_MOST, Bus, Heard, pass_on
from kernel.errors import Unavailable
from kernel.settings import Settings
from mobile_contracts.event import Event, SessionEnded
from tests.kernel.bus.conftest import listening


async def test_everybody_who_listens_hears_what_is_told_in_order(bus_settings: Settings) -> None:
    events = [SessionEnded(session_id=uuid7()) for _ in range(300)]
    async with (
        open_bus(bus_settings) as one,
        open_bus(bus_settings) as other,
        listening(one) as first,
        listening(other) as second,
    ):
        assert await one.tell(events)
        for ear in (first, second):
            await ear.until(lambda heard: len(heard) == 301)
            assert ear.heard == [None, *events]


async def test_telling_nothing_needs_no_bus(settings: Settings) -> None:
    nowhere = msgspec.structs.replace(settings, bus_url="redis://127.0.0.1:1/0")
    async with open_bus(nowhere) as bus:
        assert await bus.tell([])


@pytest.mark.parametrize("bus_url", ["redis://127.0.0.1:1/0", ""])
async def test_a_bus_that_is_away_is_no_error_and_costs_no_time(settings: Settings, bus_url: str) -> None:
    away = msgspec.structs.replace(settings, bus_url=bus_url, database_url="postgresql://x@127.0.0.1:1/x")
    async with open_bus(away) as bus:
        for _ in range(50):
            assert not await bus.tell([SessionEnded(session_id=uuid7())])


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_nonsense_is_not_heard(message: str | bytes) -> None:
    ear: list[Event | None] = []
    pass_on(message, ear.append)
    assert ear == []


@pytest.mark.parametrize(
    "message",
    [
        '{"kind":"SomethingNewer","session_id":"x"}',
        '{"kind":"SessionEnded","session_id":"not a uuid"}',
        "[" * 3000,
        '{"kind":"SessionEnded","session_id":"019a3b5e-0000-7000-8000-000000000000","more":"'
        + "x" * MESSAGE_AT_MOST
        + '"}',
    ],
)
async def test_events_of_others_are_left_alone(bus_settings: Settings, message: str) -> None:
    async with open_bus(bus_settings) as bus, listening(bus) as ear:
        await bus._tell([message])
        last = SessionEnded(session_id=uuid7())
        assert await bus.tell([last])
        await ear.until(lambda heard: heard[-1] == last)
        assert ear.heard == [None, last]


class Away(Bus):
    """A bus that takes nothing until `back`; counts how often it was asked."""

    back, asked = False, 0

    async def close(self) -> None: ...

    async def _hear(self, heard: Heard) -> NoReturn:
        raise AssertionError

    async def _tell(self, messages: list[str]) -> None:
        self.asked += 1
        if not self.back:
            raise Unavailable


@pytest.mark.parametrize("outage", [0.5, 30, 600])
@pytest.mark.parametrize("every", [0.02, 0.3])
async def test_a_bus_that_is_back_is_used_again_however_much_there_is_to_tell(
    monkeypatch: pytest.MonkeyPatch, outage: float, every: float
) -> None:
    now, bus, event = [1000.0], Away("a bus"), [SessionEnded(session_id=uuid7())]
    monkeypatch.setattr("kernel.process.retry.time.monotonic", lambda: now[0])
    while now[0] < 1000 + outage:
        assert not await bus.tell(event)
        now[0] += every
    assert bus.asked < 10 + outage, "in vain it is seldom asked"
    bus.back = True
    while not await bus.tell(event):
        now[0] += every
        assert now[0] < 1000 + outage + 5
