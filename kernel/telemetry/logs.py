"""Every line that a process says: JSON on standard output, with its ids, and no personal data or secret in it."""

import contextlib
import datetime
import logging
import logging.config
import sys
import threading
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars, reset_contextvars
from structlog.types import EventDict

from kernel.settings import Settings
from kernel.telemetry import tracing
from kernel.text import redaction

_BEIJING = ZoneInfo("Asia/Shanghai")
_process = ""
_BOTH: list[Callable[..., Any]] = [merge_contextvars, structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name]


def configure(process: str, settings: Settings) -> None:
    """Sends everything that this process logs, libraries and uncaught exceptions included, to stdout as JSON."""
    global _process  # noqa: PLW0603  # a process has one name
    _process = process
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_BOTH,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = _Stdout()
    handler.setFormatter(_formatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in list(root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def bind(**ids: str) -> contextlib.AbstractContextManager[Any]:
    """Adds ids (request_id, event_id, …) to every later line of this context; in a `with`, until the block ends."""
    tokens = bind_contextvars(**ids)
    until = contextlib.ExitStack()
    until.callback(reset_contextvars, **tokens)
    return until


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes an event and its facts: `log.info("relayed", events=12)`."""
    made: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return made


def tell(name: str, level: int, event: str, **facts: str | float | None) -> None:
    """The same as a `logger` without the ids of the context, for what is said at every request.

    It costs a tenth: there is no record to pass around, and a text that was cleaned before is not read again.
    """
    if logging.getLogger(name).isEnabledFor(level):
        cleaned = {key: _cleaned(value) for key, value in facts.items()}
        head = _head(_process, logging.getLevelName(level).lower(), name, event)
        _write(msgspec.json.encode({**cleaned, **head}).decode())


@lru_cache(maxsize=4096, typed=True)
def _cleaned(value: str | float | None) -> Any:
    return redaction.cleaned(value)


UNFORMATTED: dict[str, Any] = {
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("_granian", "granian.access")}
}
"""For servers that insist on configuring logging themselves (Granian's `log_dictconfig`): they leave it to us."""


class _Stdout(logging.Handler):
    """Writes to what stdout is now; its own failure is a line as well, without the arguments that broke it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  # the fault of whoever logged must not become the caller's
            place = f"{record.pathname}:{record.lineno}"
            line = _render(None, "", {"level": "error", "event": "a log line could not be made", "logger": record.name,
                                      "place": place, "error": type(error).__name__})  # fmt: skip
        _write(line)


def _write(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody reads our output any more, or it is closed
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _head(process: str, level: str, name: str, event: Any) -> dict[str, Any]:
    line = {
        "time": datetime.datetime.now(_BEIJING).isoformat(timespec="milliseconds"),
        "level": level,
        "process": process,
        "logger": name,
        "event": event,
    }
    if trace := tracing.traceparent():
        line["trace"] = trace
    return line


def _formatter(process: str) -> logging.Formatter:
    def stamp(_: Any, __: str, event: EventDict) -> EventDict:
        level, name, what = event.pop("level", "info"), event.pop("logger", ""), event.pop("event", "")
        return {**event, **_head(process, level, name, what)}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_BOTH,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            stamp,
            _render,
        ],
    )


def _render(_: Any, __: str, event: EventDict) -> str:
    return msgspec.json.encode(redaction.cleaned(event)).decode()


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("hexad").critical("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
