"""Worker, relay and beat answer for their health, and stop as asked with nothing lost."""

import asyncio
import json
import signal
import time

import pytest

from tests.faults.conftest import cluster, stand
from tests.faults.stand import Stand
from tests.faults.test_away import all_ready

__all__ = ["cluster", "stand"]


@pytest.mark.timeout(120)
async def test_a_graceful_stop_finishes_what_is_in_work(stand: Stand) -> None:
    stand.start("work", "relay", "beat", module="tests.workers.odd")
    await stand.until(60, "all are ready", lambda: all_ready(stand))
    await stand.emit(200)
    await stand.until(60, "it flows", lambda: stand.is_so("count(*) > 0", "probe where handled = 1"))
    began = time.monotonic()
    codes = {name: await asyncio.to_thread(one.stop, signal.SIGINT) for name, one in stand.processes.items()}
    took = time.monotonic() - began
    assert codes == {"work": 0, "relay": 0, "beat": 0}
    assert await stand.value("select count(*) from job where state = 'running'") == 0
    assert "end of the drain" not in stand.processes["work"].log
    assert await stand.value("select count(*) from worker") == 0, stand.processes["work"].log
    said = {name: [json.loads(line)["event"] for line in one.log.splitlines()] for name, one in stand.processes.items()}
    assert "worker: Warm shutdown (MainProcess)" in said["work"]
    print(f"\n{stand.broker}: worker, relay and beat stopped in {took:.1f} s")
