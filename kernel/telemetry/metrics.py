"""What the house measures of itself, every metric in one place, for Prometheus to read.

In a process with children (`share`), all of them count into files of one folder, and any of them can render the sum.
"""

import contextlib
import fcntl
import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.mmap_dict import MmapedDict

from kernel.errors import Misconfigured
from kernel.settings import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

_registry = CollectorRegistry()


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, registry=_registry)


def _gauge(name: str, meaning: str, *labels: str, together: Literal["livesum", "livemax"] = "livesum") -> Gauge:
    return Gauge(name, meaning, labels, registry=_registry, multiprocess_mode=together)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, meaning, labels, registry=_registry, buckets=buckets)


HTTP_REQUESTS = _counter("hexad_http_requests_total", "HTTP requests answered", "method", "route", "status")
HTTP_SECONDS = _histogram("hexad_http_request_seconds", "time to answer an HTTP request", _FAST, "method", "route")
HTTP_IN_FLIGHT = _gauge("hexad_http_requests_in_flight", "HTTP requests in work")
BODIES = _gauge("hexad_http_bodies", "request bodies on their way here")
BODIES_GIVEN_UP = _counter("hexad_http_slow_bodies_total", "request bodies too slow, or in the way of others")
POOL_FREE = _gauge("hexad_pool_connections_free", "database connections that a request could have at once")
POOL_WAITING = _gauge("hexad_pool_requests_waiting", "requests that wait for a database connection")

OUTBOX_BACKLOG = _gauge("hexad_outbox_events_due", "events that are due and not yet given to the broker", "by")
OUTBOX_AGE = _gauge("hexad_outbox_oldest_seconds", "age of the oldest event that is due", "by")
RELAYED = _counter("hexad_relayed_events_total", "events given to the broker", "kind")
BUS = _counter("hexad_bus_messages_total", "messages heard on the bus", "outcome")
JOBS = _counter("hexad_jobs_total", "deliveries of jobs by what came of them", "handler", "outcome")
JOB_SECONDS = _histogram("hexad_job_seconds", "time that a handler took", _SLOW, "handler")
JOBS_SET_ASIDE = _gauge("hexad_jobs_set_aside", "jobs that were given up and wait for a person", "by")
MONTHS_MISSING = _gauge("hexad_months_missing", "months of tables, this one and the next, that nobody made", "by")
REAPED = _counter("hexad_jobs_reaped_total", "jobs taken back from workers that died")
PROBE_SECONDS = _histogram("hexad_probe_seconds", "time from the start of a probe until a worker handled it", _SLOW)
DEAD_LETTERS = _gauge("hexad_dead_letters_waiting", "messages that nobody could take", "queue")
EMAILS = _counter("hexad_emails_total", "e-mails of the queues by what came of them", "outcome")
EMAILS_DEFERRED = _gauge("hexad_emails_deferred", "e-mails that the relay put off and that wait for their time")
EMAILS_AGAIN = _counter("hexad_emails_uncertain_total", "e-mails sent again since a try before had no answer")
MESSAGES = _counter("hexad_messages_total", "messages of broadcasts handed over to gateways", "channel", "purpose")
UNSENDABLE = _counter(
    "hexad_unsendable_messages_total", "messages that failed as they cannot be made or read", "channel", "reason"
)
LOOP_FAILURES = _counter("hexad_loop_failures_total", "failed turns of a loop, and failed items of one", "loop")
LOOP_FAILING = _gauge("hexad_loop_items_failing", "items of a loop that fail now, or did lately", "loop")
RECEIPTS = _counter("hexad_receipts_total", "receipts of gateways by what came of them", "outcome")
REPLIES = _counter("hexad_replies_total", "replies by SMS by what they ask for", "meaning")
SCHEDULED = _counter("hexad_schedule_runs_total", "occurrences of a schedule that this beat started", "schedule")

SOCKETS = _gauge("hexad_websocket_connections", "open WebSocket connections", "audience")
FRAMES = _counter("hexad_websocket_frames_total", "WebSocket frames", "direction", "type")
CHAT_MESSAGES = _counter("hexad_chat_messages_total", "messages of the chat by what became of them", "outcome")
CLOSES = _counter("hexad_websocket_closes_total", "WebSocket connections closed", "code")

SEALED = _counter("hexad_audit_sealed_rows_total", "audit rows chained")
SEAL_LAG = _gauge("hexad_audit_seal_lag_seconds", "age of the oldest audit row not chained or not anchored", "by")
BUILD = _gauge("hexad_build_info", "version of Hexad that runs", "version", "process", together="livemax")


def start(process: str) -> None:
    """Names this process and its version, and adds its memory, processor time and open files."""
    BUILD.labels(metadata.version("hexad"), process).set(1)
    if not shared():
        ProcessCollector(registry=_registry)


def share(process: str, settings: Settings) -> None:
    """Makes this process and its children count together; call it in the parent before children start.

    The folder `<var>/run/metrics/<process>-<port>` is emptied: counters begin at 0 with the parent, who has the port.
    Raises `Misconfigured` when it cannot be had.
    """
    port = getattr(settings, f"{process}_port")
    folder = settings.var.resolve() / "run" / "metrics" / f"{process}-{port}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise Misconfigured(
            f"HEXAD_VAR is {settings.var}, which cannot be written ({error.strerror}), and the processes of"
            " HEXAD_API_WORKERS and HEXAD_WORKER_PROCESSES count together in it: mend that, or name another folder"
        ) from error
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.get_value_class()
    for metric in (HTTP_IN_FLIGHT, BODIES, BODIES_GIVEN_UP, POOL_FREE, POOL_WAITING,
                   REAPED, PROBE_SECONDS, SEALED):  # fmt: skip
        metric._metric_init()  # without labels, they made their values when this module was imported


def shared() -> bool:
    """Whether this process counts together with others."""
    return _FOLDER in os.environ


def render() -> tuple[bytes, str]:
    """All metrics in the text format of Prometheus, and its content type."""
    if not shared():
        return generate_latest(_registry), CONTENT_TYPE
    folder = Path(os.environ[_FOLDER])
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _bury(folder)
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together, path=str(folder))
        return generate_latest(together), CONTENT_TYPE


def _bury(folder: Path) -> None:
    """Adds what dead processes counted to the file of pid 0 and removes their files; their gauges simply go."""
    for path in folder.glob("*.db"):
        kind, pid = path.stem.rsplit("_", 1)
        if pid == "0" or _lives(int(pid)):
            continue
        if not kind.startswith("gauge"):
            grave = MmapedDict(str(folder / f"{kind}_0.db"))
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
                grave.write_value(key, grave.read_value(key)[0] + value, 0.0)
            grave.close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
