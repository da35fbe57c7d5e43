"""PostgreSQL or the broker is away and comes back: every process waits quietly and goes on by itself.

HEXAD_FAULT_AWAY sets for how many seconds (5 by default, the long form is 60).
"""

import asyncio
import os
import time

import msgspec
import psutil
import pytest

from tests.conftest import BROKER_URL
from tests.faults.stand import Stand
from tests.faults.wire import wire

AWAY_SECONDS = float(os.environ.get("HEXAD_FAULT_AWAY", "5"))
PROCESSES = ("work", "relay", "beat")


def processor_seconds(stand: Stand) -> float:
    """What all processes have used, children included."""
    pids = [pid for one in stand.processes.values() for pid in (one.pid, *one.children())]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def log_lines(stand: Stand) -> int:
    """Lines that all processes have logged."""
    return sum(one.log.count("\n") for one in stand.processes.values())


async def ready(stand: Stand) -> dict[str, int]:
    """The status of each process's readiness."""
    names = {"work": "worker", "relay": "relay", "beat": "beat"}
    return {command: (await stand.asks(name, "/health/ready"))[0] for command, name in names.items()}


async def all_ready(stand: Stand) -> bool:
    return set((await ready(stand)).values()) == {200}


async def outlast(stand: Stand, what: str, affected: set[str]) -> None:
    """Waits until those affected say that they are not ready, then the rest of the outage; nobody may burn or flood."""
    lines, spent, began = log_lines(stand), processor_seconds(stand), time.monotonic()

    async def noticed() -> bool:
        return {name for name, status in (await ready(stand)).items() if status == 503} >= affected

    took = await stand.until(60, f"{affected} notice that {what} is away", noticed)
    while time.monotonic() - began < AWAY_SECONDS:
        await asyncio.sleep(0.2)
    away = time.monotonic() - began
    used, said = processor_seconds(stand) - spent, log_lines(stand) - lines
    print(f"\n{stand.broker}: {what} away {away:.0f} s, noticed in {took:.1f} s, {used:.1f} s of CPU, {said} log lines")
    assert used < 0.5 * away + 2
    assert said < 40


async def recovered(stand: Stand, pids: list[int]) -> None:
    """All are ready again without a restart, and events flow."""
    took = await stand.until(60, "all are ready again", lambda: all_ready(stand))
    await stand.emit(20)
    took += await stand.until(60, "events flow again", stand.settled)
    print(f"ready and flowing {took:.1f} s after it was back")
    assert [one.pid for one in stand.processes.values()] == pids
    assert all(one.running for one in stand.processes.values())


@pytest.mark.timeout(600)
async def test_postgresql_is_away_and_comes_back(stand: Stand) -> None:
    stand.start(*PROCESSES)
    await stand.until(60, "all are ready", lambda: all_ready(stand))
    await stand.emit(20)
    pids = [one.pid for one in stand.processes.values()]
    await asyncio.to_thread(stand.postgres.stop, "fast")
    await outlast(stand, "PostgreSQL", {"work", "relay", "beat"})
    await asyncio.to_thread(stand.postgres.start)
    await recovered(stand, pids)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["rabbitmq"], indirect=True)
async def test_rabbitmq_is_away_and_comes_back(stand: Stand) -> None:
    port = stand.free_port()
    url = BROKER_URL.replace("5672", str(port))
    stand.settings = msgspec.structs.replace(stand.settings, broker_url=url)
    with wire(port):
        stand.start(*PROCESSES)
        await stand.until(60, "all are ready", lambda: all_ready(stand))
        await stand.emit(20)
        await stand.until(60, "events flow", stand.settled)
        pids = [one.pid for one in stand.processes.values()]
        await stand.emit(300)
    await stand.emit(20)
    await outlast(stand, "RabbitMQ", {"work", "relay"})
    with wire(port):
        await recovered(stand, pids)
        assert await stand.value("select count(*) from probe where handled <> 1") == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["pgmq"], indirect=True)
async def test_two_beats_run_each_occurrence_once_and_what_was_missed_once(stand: Stand) -> None:
    odd = "tests.workers.odd"
    stand.start("beat", module=odd)
    other = msgspec.structs.replace(stand.settings, beat_port=stand.free_port())
    stand.start("beat#2", module=odd, settings=other)
    await stand.until(60, "four occurrences", lambda: stand.is_so("count(*) >= 4", "schedule_run"))
    stand.processes["beat"].kill()
    at = await stand.value("select count(*) from schedule_run")
    await stand.until(60, "the other goes on", lambda: stand.is_so(f"count(*) >= {at + 2}", "schedule_run"))
    assert stand.processes["beat#2"].stop() == 0
    stopped = await stand.value("select count(*) from schedule_run")
    await asyncio.sleep(3)
    stand.processes["beat"].start()
    await stand.until(60, "it goes on", lambda: stand.is_so(f"count(*) > {stopped + 2}", "schedule_run"))
    gaps = "select extract(epoch from due_at - lag(due_at) over (order by due_at))::int as gap from schedule_run"
    seconds = [row[0] for row in await stand.fetch(gaps)][1:]
    assert sum(1 for gap in seconds if gap > 2) == 1, "one gap, from which one occurrence was made up for"
    runs = await stand.value("select count(*) from schedule_run")
    assert runs <= await stand.value("select count(*) from outbox") <= runs + 1
    assert (
        await stand.value("select count(*) from (select event_id from outbox group by 1 having count(*) > 1) twice")
        == 0
    )
