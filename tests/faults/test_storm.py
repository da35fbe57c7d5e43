"""Invariants 5 and 6: while events flow, everything is killed at random moments; each event has its effect once.

HEXAD_FAULT_EVENTS sets their number (1,500 by default, the long form is 20,000), HEXAD_FAULT_SEED repeats a run.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.faults.stand import Stand

EVENTS = int(os.environ.get("HEXAD_FAULT_EVENTS", "1500"))
SEED = int(os.environ.get("HEXAD_FAULT_SEED", str(random.randrange(10**6))))
RECOVERY_SECONDS = 60.0


def kill_worker(stand: Stand) -> None:
    """The whole worker, main process first, so that its children are orphans."""
    stand.processes["work"].kill()
    stand.processes["work"].start()


def kill_child(stand: Stand) -> None:
    """One child in whatever it is doing."""
    children = stand.processes["work"].children()
    if children:
        os.kill(random.choice(children), signal.SIGKILL)


def kill_relay(stand: Stand) -> None:
    """The relay, perhaps between confirm and commit."""
    stand.processes["relay"].kill()
    stand.processes["relay"].start()


def kill_api(stand: Stand) -> None:
    """The API with all its workers."""
    stand.processes["serve api"].end()
    stand.processes["serve api"].start()


def crash_postgres(stand: Stand) -> None:
    """An immediate stop: recovery from the log at the next start."""
    stand.postgres.stop("immediate")
    stand.postgres.start()


def kill_postmaster(stand: Stand) -> None:
    """Kill -9 of PostgreSQL's main process, its backends end as orphans."""
    pid = int((Path(stand.postgres.data) / "postmaster.pid").read_text().split("\n", 1)[0])
    postmaster = psutil.Process(pid)
    postmaster.kill()
    postmaster.wait(60)
    stand.postgres.start()


FAULTS: list[Callable[[Stand], None]] = [kill_worker, kill_child, kill_relay, kill_api, crash_postgres, kill_postmaster]


@pytest.mark.timeout(1800)
async def test_every_event_has_its_effect_once_whatever_is_killed(stand: Stand) -> None:
    chance = random.Random(SEED)
    stand.start("work", "relay", "serve api")
    await stand.emit(50)
    await stand.until(60, "the first events", stand.settled)
    began = time.monotonic()
    async with asyncio.TaskGroup() as together:
        together.create_task(stand.emit(EVENTS))
        recoveries = await _storm(stand, chance)
    await stand.until(120, "every probe handled, nothing left", stand.settled)
    seconds, events = time.monotonic() - began, await stand.handled()
    handled = {row[0]: row[1] for row in await stand.fetch("select handled, count(*) from probe group by 1")}
    attempts = await stand.value("select count(*) from job where attempts > 1")
    print(
        f"\n{stand.broker}: {events} events in {seconds:.0f} s"
        f" ({events / seconds:.0f}/s) with {sum(map(len, recoveries.values()))} kills, seed {SEED};"
        f" {attempts} jobs took more than one try; longest recovery: "
        + ", ".join(f"{name} {max(took):.1f} s" for name, took in recoveries.items())
    )
    assert handled == {1: events}


async def _storm(stand: Stand, chance: random.Random) -> dict[str, list[float]]:
    """Every fault in random order, each after the last was overcome; gives the seconds that overcoming took."""
    recoveries: dict[str, list[float]] = {fault.__name__: [] for fault in FAULTS}
    rounds = max(1, EVENTS // 4000)
    for fault in chance.sample(FAULTS * rounds, len(FAULTS) * rounds):
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        at = time.monotonic()
        await asyncio.to_thread(fault, stand)
        before = await stand.handled()
        if before >= await stand.value("select count(*) from probe"):
            await stand.emit(100)  # the storm outlasts the flow
        await stand.until(RECOVERY_SECONDS, f"progress after {fault.__name__}", partial(_recovered, stand, before))
        recoveries[fault.__name__].append(time.monotonic() - at)
    return recoveries


async def _recovered(stand: Stand, before: int) -> bool:
    """Whether events are handled and the API answers."""
    return await stand.handled() > before and (await stand.asks("api", "/health/ready"))[0] == 200
