"""The flow: processes, queues and the way through all of them, with a real broker."""

import contextlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from hexad.checks import flow
from kernel.process.probes import Probes
from kernel.queues import OUTBOUND, QUEUES
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokers import broker, bus_settings
from tests.hexad.test_ports import settings as on_free_ports

__all__ = ["broker", "bus_settings"]

OURS, OTHERS = "0123456789abcdef", "fedcba9876543210"


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
        findings = {one.part: one async for one in flow.examine_processes(host, OURS, all_here=False)}
    assert findings["beat"].state == "fail"
    assert findings["beat"].says == "not ready: database: is away"
    assert findings["api"].state == "warn"


async def test_a_process_of_another_hexad_is_not_taken_for_ours() -> None:
    host = on_free_ports()
    with (
        Probes("beat", host, {}, instance=lambda: OTHERS),
        Probes("relay", host, {}, instance=lambda: OURS),
        Probes("worker", host, {}, instance=lambda: ""),
    ):
        findings = {one.part: one async for one in flow.examine_processes(host, OURS, all_here=False)}
    assert findings["beat"].state == "fail"
    assert f"a Hexad of another database ({OTHERS}, ours is {OURS})" in findings["beat"].says
    assert f"process {os.getpid()}" in findings["beat"].says
    assert "HEXAD_BEAT_PORT or HEXAD_PROBE_HOST moves ours" in findings["beat"].mend
    assert findings["relay"].state == "ok"
    assert findings["worker"].state == "warn"
    assert "does not say of which database it is" in findings["worker"].says


async def test_whose_a_process_is_cannot_be_told_before_our_own_database_answers() -> None:
    host = on_free_ports()
    with Probes("beat", host, {}, instance=lambda: OTHERS):
        here = {one.part: one async for one in flow.examine_processes(host, "", all_here=True)}
        spread = {one.part: one async for one in flow.examine_processes(host, "", all_here=False)}
    assert here["beat"].state == "fail"
    assert spread["beat"].state == "warn"
    assert "whether it is ours is not known while our database does not answer" in here["beat"].says


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_another_program_on_our_port_is_told_apart(status: int) -> None:
    host = on_free_ports()
    with stranger(host.api_port, status):
        findings = {one.part: one async for one in flow.examine_processes(host, OURS, all_here=False)}
    assert findings["api"].state == "fail"
    assert "another program than Hexad answers" in findings["api"].says
    assert "HEXAD_API_PORT or HEXAD_API_HOST moves ours" in findings["api"].mend


@contextlib.contextmanager
def stranger(port: int, status: int) -> Iterator[None]:
    """Another program that answers whatever it is asked, as a dashboard does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "15")
            self.end_headers()
            self.wfile.write(b"<h1>Grafana</h1>"[:15])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is http.server's
            """Nothing of it is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
