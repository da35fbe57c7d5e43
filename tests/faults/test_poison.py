"""Invariant 6: a job takes effect once; poison is set aside after five tries, shown, and in nobody's way."""

import json
import os
import signal
from functools import partial

import pytest
import uuid_utils.compat as uuid

from kernel.events.outbox import emit
from mobile_contracts.event import JobTriedAgain
from tests.faults.stand import Stand
from workers.runtime import probe

ODD = "tests.workers.odd"
CHILDREN = "worker where queues = '{work.default}'"


async def emit_odd(stand: Stand, what: str) -> None:
    """An event whose handler does what is said."""
    async with stand.transaction() as tx:
        prepared = await probe.prepare(tx)
        await emit(tx, JobTriedAgain(event_id=prepared.probe_id, handler=what))


@pytest.mark.timeout(600)
async def test_poison_is_set_aside_and_holds_up_nobody(stand: Stand) -> None:
    kinds = ["raise", "exit", "kill", "segfault"]
    stand.start("work", "relay", module=ODD)
    for kind in kinds:
        await emit_odd(stand, kind)
    await stand.emit(100)
    sound = await stand.until(
        60, "the others are handled", lambda: stand.is_so("count(*) = 100", "probe where handled = 1")
    )
    took = await stand.until(
        90, "all poison set aside", lambda: stand.is_so("count(*) = 4", "job where state = 'set_aside'")
    )
    aside = await stand.fetch("select payload->>'handler' what, attempts, error from job where state = 'set_aside'")
    found = {row["what"]: row for row in aside}
    assert {row["attempts"] for row in aside} == {5}
    assert "this job never works" in found["raise"]["error"]
    assert all("death of the process" in found[kind]["error"] for kind in kinds[1:])
    await stand.until(60, "nothing else is left", lambda: stand.is_so("count(*) = 0", "outbox"))
    assert await stand.value("select count(*) from job where state not in ('done', 'set_aside')") == 0
    assert await stand.value("select count(*) from probe where handled > 0") == 100
    await stand.until(
        10, "the metric counts them", lambda: stand.says("relay", "/metrics", 'hexad_jobs_set_aside{by="relay"} 4.0')
    )
    print(f"\n{stand.broker}: 100 sound jobs beside the poison in {sound:.1f} s, 4 poisoned set aside in {took:.1f} s")


@pytest.mark.timeout(600)
async def test_a_frozen_child_that_wakes_up_later_does_not_repeat_the_effect(stand: Stand) -> None:
    stand.start("work", "relay", module=ODD)
    await stand.until(60, "two children", lambda: stand.is_so("count(*) = 2", CHILDREN))
    await emit_odd(stand, "block 1")
    await stand.until(60, "the job runs", lambda: stand.is_so("count(*) = 1", "job where state = 'running'"))
    frozen = int((await stand.fetch("select pid from worker join job on job.worker = worker.id"))[0][0])
    os.kill(frozen, signal.SIGSTOP)
    silent = f"count(*) filter (where pid = {frozen} and seen_at > now() - interval '5 s') = 0"
    await stand.until(60, "it is taken for dead", lambda: stand.is_so(silent, "worker"))
    os.kill(frozen, signal.SIGCONT)
    await stand.until(60, "it is done", stand.settled)
    await stand.emit(20)
    await stand.until(60, "all is done", stand.settled)
    assert await stand.value("select count(*) from probe where handled = 1") == 21
    assert await stand.value("select count(*) from probe where handled <> 1") == 0


@pytest.mark.timeout(600)
async def test_a_frozen_worker_does_not_repeat_the_effect_of_what_came_again(stand: Stand) -> None:
    stand.start("work", module=ODD)
    await stand.until(60, "two children", lambda: stand.is_so("count(*) = 2", CHILDREN))
    stand.start("relay", module=ODD)
    await emit_odd(stand, "sleep 1")
    await stand.until(60, "the job runs", lambda: stand.is_so("count(*) = 1", "job where state = 'running'"))
    pids = [stand.processes["work"].pid, *stand.processes["work"].children()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        stand.start("work#2", module=ODD, settings=stand.second_worker())
        await stand.emit(20)
        await stand.until(
            60, "the other worker does what comes", lambda: stand.is_so("count(*) >= 20", "probe where handled = 1")
        )
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await stand.until(90, "all is done", stand.settled)
    assert await stand.value("select count(*) from probe where handled = 1") == 21


@pytest.mark.timeout(600)
async def test_a_wrong_payload_is_set_aside_and_an_unknown_handler_waits_for_a_version_that_has_it(
    stand: Stand,
) -> None:
    stand.start("work", "relay", module=ODD)
    rows = [("nobody", {"kind": "Probed"}), ("count_probe", {"kind": "Probed", "probe_id": 5})]
    for handler, payload in rows:
        await stand.fetch(
            "insert into outbox (event_id, kind, handler, payload) values ($1, 'Probed', $2, $3) returning id",
            uuid.uuid7(), handler, json.dumps(payload),
        )  # fmt: skip
    for handler, state in (("count_probe", "set_aside"), ("nobody", "waiting")):
        standing = f"job where handler = '{handler}' and state = '{state}'"
        await stand.until(60, f"{handler} is {state}", partial(stand.is_so, "count(*) = 1", standing))
