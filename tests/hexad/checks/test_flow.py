"""The flow: processes, queues and the way through all of them, with a real broker."""

import msgspec
import pytest

from hexad.checks import flow
from kernel.database import Database
from kernel.probes import Probes
from kernel.queues import OUTBOUND, QUEUES
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from tests.brokers import broker, bus_settings
from tests.hexad.test_ports import settings as on_free_ports

__all__ = ["broker", "bus_settings"]


async def test_a_broker_with_every_queue_is_well(broker: Settings) -> None:
    finding = await flow.examine_broker(broker)
    assert finding.state == "ok"
    assert f"all {len(QUEUES)} queues, 0 messages wait" in finding.says


async def test_messages_among_the_dead_are_told(broker: Settings) -> None:
    async with open_queues(broker) as queues:
        await queues.publish(OUTBOUND[0].dead, [Message(b"{}")])
    finding = await flow.examine_broker(broker)
    assert finding.state == "warn"
    assert f"1 in {OUTBOUND[0].dead.name}" in finding.says
    assert "0 messages wait" in finding.says


async def test_a_broker_that_is_away_fails(own_settings: Settings) -> None:
    away = msgspec.structs.replace(own_settings, broker_url="amqp://guest:guest@127.0.0.1:1/")
    finding = await flow.examine_broker(away)
    assert finding.state == "fail"
    assert finding.mend == "start RabbitMQ, or correct HEXAD_BROKER_URL"


async def test_a_bus_that_carries_is_well(bus_settings: Settings) -> None:
    assert (await flow.examine_bus(bus_settings)).state == "ok"


async def test_a_bus_that_is_away_fails_with_the_way_out(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "BUS_SECONDS", 0.3)
    away = msgspec.structs.replace(own_settings, bus_url="redis://127.0.0.1:1/0")
    finding = await flow.examine_bus(away)
    assert finding.state == "fail"
    assert finding.mend == "start Valkey, or correct HEXAD_BUS_URL"


async def test_a_probe_that_does_not_come_back_fails_in_bounded_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "PROBE_SECONDS", 0.3)
    assert (await flow.examine_pipeline(database)).state == "fail"


async def test_a_process_that_is_not_ready_fails_on_whatever_host() -> None:
    host = on_free_ports()
    with Probes("beat", host, {"database": lambda: "is away"}):
        findings = {one.part: one async for one in flow.examine_processes(host, all_here=False)}
    assert findings["beat"].state == "fail"
    assert findings["beat"].says == "not ready: database: is away"
    assert findings["api"].state == "warn"
