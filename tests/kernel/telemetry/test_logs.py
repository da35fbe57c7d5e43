"""Each line is one JSON object with time, level, event, process and ids, and without personal data, by whomever."""

import datetime
import json
import logging
import subprocess
import sys
import warnings
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.settings import Settings
from kernel.telemetry import logs

CANARY = "13800138000"


def test_a_line_says_when_who_and_what(lines: Any) -> None:
    with logs.bind(request_id="r1"):
        logs.logger("workers.runtime.relay").info("relayed", events=12)
    logs.logger("workers.runtime.relay").warning("slow")
    first, second = lines()
    assert datetime.datetime.fromisoformat(first.pop("time")).utcoffset() == datetime.timedelta(hours=8)
    assert first == {"level": "info", "process": "test", "logger": "workers.runtime.relay", "event": "relayed",
                     "events": 12, "request_id": "r1"}  # fmt: skip
    assert (second["level"], second.get("request_id")) == ("warning", None)


def test_what_is_told_at_every_request_looks_the_same(lines: Any) -> None:
    facts: dict[str, Any] = {"status": 200, "principal": f"investor:{CANARY}", "milliseconds": 1.5, "request_id": "r1"}
    with logs.bind(request_id="r1"):
        logs.logger("hexad.access").info("request", **{key: one for key, one in facts.items() if key != "request_id"})
    logs.tell("hexad.access", logging.INFO, "request", **facts)
    logs.tell("hexad.access", logging.DEBUG, "request", **facts)
    first, second = lines()
    assert second.pop("time") >= first.pop("time")
    assert second == first
    assert second["principal"] == "investor:[mobile]"


def test_libraries_warnings_and_their_arguments_are_lines_too(lines: Any) -> None:
    with logs.bind(event_id="e1"):
        logging.getLogger("asyncpg").error("lost %s", CANARY)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    error, warning = lines()
    assert (error["event"], error["logger"], error["event_id"]) == ("lost [mobile]", "asyncpg", "e1")
    assert "old" in warning["event"]


def test_a_library_that_brought_its_own_handler_has_it_no_more(settings: Settings, lines: Any) -> None:
    library = logging.getLogger("noisy")
    library.addHandler(logging.StreamHandler(sys.stdout))
    library.propagate = False
    logs.configure("test", settings)
    structlog.configure(cache_logger_on_first_use=False)
    library.error("once")
    assert [line["event"] for line in lines()] == ["once"]


def test_a_traceback_is_there_and_clean(lines: Any) -> None:
    try:
        raise ValueError(f"duplicate mobile +86 138 0013 8000, id 11010519491231002X, {CANARY}")
    except ValueError:
        logs.logger("x").exception("failed")
    (line,) = lines()
    assert "test_logs.py" in line["exception"]
    assert "ValueError: duplicate mobile [mobile], id [id], [mobile]" in line["exception"]


@bounded(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.recursive(st.just(CANARY), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x)))
def test_a_canary_never_comes_through(lines: Any, value: Any) -> None:
    logs.logger("x").info(f"to {CANARY}", value=value, cause=ValueError(CANARY))
    (line,) = lines()
    assert CANARY not in json.dumps(line)


def test_below_the_level_nothing_is_said(lines: Any) -> None:
    logs.logger("x").debug("quiet")
    logging.getLogger("y").debug("quiet")
    assert lines() == []


def test_a_line_that_cannot_be_made_does_not_show_its_arguments() -> None:
    line = said_by(f"logging.getLogger('x').error('one %s', {CANARY[:5]!r} + {CANARY[5:]!r}, 'two')")
    assert (line["event"], line["logger"]) == ("a log line could not be made", "x")


@pytest.mark.parametrize(
    "program", ["fail()", "t = threading.Thread(target=fail)\nt.start()\nt.join()"], ids=["main", "thread"]
)
def test_what_nobody_caught_is_a_clean_line(program: str) -> None:
    line = said_by(f"def fail(): raise ValueError({CANARY[:5]!r} + {CANARY[5:]!r})\n{program}")
    assert (line["level"], line["event"]) == ("critical", "uncaught exception")


def said_by(program: str) -> dict[str, Any]:
    """The only line that a process printed, in which the canary is not."""
    start = "import logging, threading\nfrom kernel import settings\nfrom kernel.telemetry import logs\n"
    start += "logs.configure('p', settings.Settings())\n"
    command = [sys.executable, "-c", start + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert CANARY not in done.stdout + done.stderr
    line: dict[str, Any] = json.loads(done.stdout)
    return line
