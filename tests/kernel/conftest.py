"""What tests of the kernel share: the lines that were logged."""

import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings as hypothesis

from kernel.settings import Settings
from kernel.telemetry import logs

hypothesis.register_profile("shared machine", deadline=None)  # how long one example takes says more of the neighbours
hypothesis.load_profile("shared machine")


@pytest.fixture
def lines(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Gives the lines that were logged since it was asked last, parsed."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    before, configured = (root.handlers[:], root.level), structlog.get_config()
    logs.configure("test", settings)
    structlog.configure(cache_logger_on_first_use=False)  # what is cached would log for the rest of the session so
    yield lambda: [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    structlog.configure(**configured)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook = hooks
