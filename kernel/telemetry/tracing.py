"""OpenTelemetry, when a collector is configured; otherwise nothing is loaded and nothing is sent."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernel.settings import Settings
from kernel.text import redaction

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_TIMEOUT = 5
"""Seconds that one export may take; also the longest wait of `stop`."""
_QUEUE = 2048
_COMPLAINT_EVERY = 60.0

_provider: "TracerProvider | None" = None
_sender: Any = None


def start(process: str, settings: Settings) -> None:
    """Begins to export the spans of this process, in the background and in bounds; call it after a fork."""
    global _provider, _sender  # noqa: PLW0603  # one provider per process
    if not settings.otlp_endpoint:
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # _exporter says it, once a minute
    _provider = TracerProvider(resource=Resource.create({"service.name": f"hexad-{process}"}), shutdown_on_exit=False)
    _sender = _exporter(settings.otlp_endpoint)
    _provider.add_span_processor(BatchSpanProcessor(_sender, _QUEUE, 1000, 512, _TIMEOUT * 1000))


def stop() -> None:
    """Sends what is left, for at most five seconds; what could not be sent by then is dropped."""
    global _provider
    if _provider is not None:
        provider, _provider = _provider, None
        last = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(_TIMEOUT)
        _sender.shutdown()  # without it the batches that are left would be tried one by one for half a minute


def traceparent() -> str | None:
    """The W3C traceparent of what runs now, null when it is not traced."""
    if _provider is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextlib.contextmanager
def span(name: str, parent: str | None = None, **attributes: str | float) -> Iterator[None]:
    """Traces a block under the W3C traceparent `parent`, else under what runs now; texts are cleaned of personal data.

    An exception marks the span as failed with the name of its class alone: messages may quote people.
    """
    if _provider is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": parent}) if parent else None
    shown = {key: redaction.text(value) if isinstance(value, str) else value for key, value in attributes.items()}
    with _provider.get_tracer("hexad").start_as_current_span(
        redaction.text(name), context, attributes=shown, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _exporter(endpoint: str) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Exporter(SpanExporter):
        """OTLP over HTTP that gives a dead collector one log line a minute."""

        def __init__(self) -> None:
            self._otlp = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_TIMEOUT)
            self._complained = -_COMPLAINT_EVERY

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = self._otlp.export(spans)
            now = time.monotonic()
            if result is not SpanExportResult.SUCCESS and now - self._complained >= _COMPLAINT_EVERY:
                self._complained = now
                logging.getLogger(__name__).warning(
                    "the trace collector does not take spans; they are dropped (HEXAD_OTLP_ENDPOINT)"
                )
            return result

        def shutdown(self) -> None:
            self._otlp.shutdown()

    return Exporter()
