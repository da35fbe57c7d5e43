"""Spans reach a real OTLP receiver, joined across processes by traceparent; a dead one costs nothing."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hexad.embedded import Postgres
from hexad.signin import issue
from kernel.settings import Settings
from kernel.telemetry import tracing
from tests.conftest import child_environment
from tests.faults.stand import Stand


class Collector:
    """A tiny OpenTelemetry collector: decodes what is posted to /v1/traces."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/traces":
                    outer.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002  # the name is http.server's

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    async def has(self, name: str) -> bool:
        """Whether a span of this name arrived."""
        return name in self.spans

    @property
    def spans(self) -> dict[str, Any]:
        """What arrived, by name."""
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A receiver that runs."""
    one = Collector()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def started(collector: Collector, settings: Settings) -> Iterator[Collector]:
    """A receiver to which this process sends."""
    tracing.start("test", msgspec.structs.replace(settings, otlp_endpoint=collector.url))
    yield collector
    tracing.stop()


def test_spans_arrive_with_their_parents_and_the_name_of_the_process(started: Collector) -> None:
    with tracing.span("request", route="/v1/x", status=200):
        sent = tracing.traceparent()
        with tracing.span("query"):
            pass
    assert tracing.traceparent() is None
    with tracing.span("job", parent=sent):
        pass
    tracing.stop()
    spans = started.spans
    request = spans["request"]
    assert spans["query"].parent_span_id == spans["job"].parent_span_id == request.span_id
    assert spans["job"].trace_id == request.trace_id
    assert sent is not None
    assert sent.startswith(f"00-{request.trace_id.hex()}-{request.span_id.hex()}-0")
    assert {a.key: a.value.string_value or a.value.int_value for a in request.attributes} == {
        "route": "/v1/x", "status": 200}  # fmt: skip
    resource = started.requests[0].resource_spans[0].resource.attributes
    assert ("service.name", "hexad-test") in [(a.key, a.value.string_value) for a in resource]


def test_no_personal_data_is_sent(started: Collector) -> None:
    with pytest.raises(ValueError, match="13800138000"), tracing.span("to 13800138000", who="11010519491231002X"):
        raise ValueError("13800138000 is taken")
    tracing.stop()
    sent = b"".join(request.SerializeToString() for request in started.requests)
    assert b"13800138000" not in sent
    assert b"11010519491231002X" not in sent
    (span,) = started.spans.values()
    assert span.name == "to [mobile]"
    assert (span.status.code, span.status.message) == (2, "ValueError")


@pytest.mark.timeout(120)
async def test_a_request_and_the_handler_of_its_event_share_a_trace(
    collector: Collector, postgres: Postgres, own_settings: Settings, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    ports = {f"{name}_port": free_port() for name in ("api", "worker", "relay")}
    own = msgspec.structs.replace(own_settings, otlp_endpoint=collector.url, **ports)
    trace, job = "4bf92f3577b34da6a3ce929d0e0e4736", uuid4()
    with Stand(postgres, own, tmp_path, free_port) as stand:
        await stand.fetch(
            "insert into job (event_id, handler, kind, payload, state) values ($1, 'nobody', 'x', '{}', 'set_aside')",
            job,
        )
        stand.start("serve api")
        stand.start("work", "relay", module="tests.workers.odd")
        await stand.until(60, "the API is ready", lambda: stand.says("api", "/health/ready", "ok"))
        token = await issue(own, "staff", "10086", ["administrator"])
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{own.api_port}") as client:
            answer = await client.post(
                f"/v1/staff/jobs/{job}/nobody/retry",
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4()),
                         "traceparent": f"00-{trace}-00f067aa0ba902b7-01"},
            )  # fmt: skip
        assert answer.is_success, answer.text
        await stand.until(60, "the handler's span arrives", lambda: collector.has("job misbehave"))
        await stand.until(60, "the request's span arrives", lambda: collector.has("HTTP POST"))
    request, handled = collector.spans["HTTP POST"], collector.spans["job misbehave"]
    assert request.trace_id.hex() == handled.trace_id.hex() == trace
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert handled.parent_span_id == request.span_id


@pytest.mark.parametrize("parent", ["", "junk", "00-0-0-00", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_a_parent_that_is_none_begins_a_trace(started: Collector, parent: str) -> None:
    with tracing.span("alone", parent=parent):
        pass
    tracing.stop()
    assert not started.spans["alone"].parent_span_id


def test_spans_leave_without_a_stop(started: Collector) -> None:
    with tracing.span("soon"):
        pass
    until = time.monotonic() + 60
    while "soon" not in started.spans and time.monotonic() < until:
        time.sleep(0.05)
    assert "soon" in started.spans


def test_without_a_collector_nothing_is_loaded() -> None:
    program = (
        "import sys\nfrom kernel import settings\nfrom kernel.telemetry import logs, tracing\n"
        "tracing.start('x', settings.Settings())\n"
        "with tracing.span('a', b=1):\n assert tracing.traceparent() is None\ntracing.stop()\n"
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("alive", ["refuses", "hangs"])
def test_a_dead_collector_costs_little_time_and_one_line(
    settings: Settings, free_port: Callable[[], int], alive: str
) -> None:
    """In a process of its own, as in life: what other tests left behind is not what collections of garbage walk."""
    program = (
        "import threading, time\nfrom kernel import settings\nfrom kernel.telemetry import logs, tracing\n"
        "tracing._TIMEOUT, tracing._QUEUE = 1, 10_000\n"
        "logs.configure('test', settings.current())\ntracing.start('test', settings.current())\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Exporter\n"
        "senders, export = set(), Exporter.export\n"
        "def exported(self, spans):\n senders.add(threading.current_thread())\n return export(self, spans)\n"
        "Exporter.export = exported\nused = time.thread_time()\n"
        "for number in range(10_000):\n with tracing.span('request', number=number):\n  pass\n"
        "used, waited = time.thread_time() - used, threading.main_thread() in senders\ntracing.stop()\n"
        "until = time.monotonic() + 30\n"
        "while any('Otel' in one.name for one in threading.enumerate()) and time.monotonic() < until:\n"
        " time.sleep(0.05)\n"
        "print(used, int(waited), sum('Otel' in one.name for one in threading.enumerate()))"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = free_port() if alive == "refuses" else silent.getsockname()[1]
        own = msgspec.structs.replace(settings, otlp_endpoint=f"http://127.0.0.1:{port}")
        done = subprocess.run(
            [sys.executable, "-c", program], env=child_environment(own), capture_output=True, text=True, timeout=60,
            check=True,
        )  # fmt: skip
    *lines, figures = done.stdout.splitlines()
    used, waited, senders = map(float, figures.split())
    assert used < 20  # seconds of processor, however many share it: 0.3 to 1 s for all of them
    assert not waited, "a span was sent by whoever ended it, and waited for the collector"
    assert not senders, "something still sends, long after the stop"
    said = [msgspec.json.decode(line)["event"] for line in lines]
    assert len(said) == 1, done.stderr
    assert "HEXAD_OTLP_ENDPOINT" in said[0]
