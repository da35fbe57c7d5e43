"""Errands are done side by side, on both brokers; what hangs holds up nobody but its own queue."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.errors import Unavailable
from kernel.queues import SLOW, URGENT, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import Probed
from workers.errand import AT_ONCE, Errands
from workers.runtime import registry
from workers.runtime.job import Jobs
from workers.runtime.loops import Loops
from workers.runtime.message import Job
from workers.runtime.registry import Means, sends


@pytest.fixture
async def queues(broker: Settings) -> AsyncIterator[Queues]:
    async with open_queues(broker, prefetch=max(AT_ONCE.values())) as opened:
        yield opened


@contextlib.asynccontextmanager
async def running(database: Database, queues: Queues, settings: Settings) -> AsyncIterator[None]:
    """The loops of the process, without it."""
    loops, jobs = Loops(), Jobs(database, uuid.uuid7(), Means(settings, queues, database))
    errands = Errands(queues, jobs, settings)
    turning = asyncio.gather(*(loops.run(queue.name, partial(errands.turn, queue)) for queue in AT_ONCE))
    try:
        yield
    finally:
        loops.stop()
        await turning
    await errands.finish()


def job(handler: str) -> Message:
    event = Probed(probe_id=uuid.uuid7())
    return Message(
        msgspec.json.encode(
            Job(event_id=uuid.uuid7(), kind="Probed", handler=handler, payload=msgspec.to_builtins(event))
        )
    )


async def empty(queues: Queues, *wanted: Queue) -> None:
    """Waits until nothing is left in them."""
    async with asyncio.timeout(60):
        while any([await queues.size(queue) for queue in wanted]):
            await asyncio.sleep(0.05)


async def test_what_hangs_holds_up_nobody_who_is_waited_for(
    broker: Settings, queues: Queues, database: Database
) -> None:
    quick_done, hung, answers = asyncio.Event(), asyncio.Event(), asyncio.Event()
    hanging: list[str] = []

    async def hangs(event: Probed, _: Means) -> None:
        hanging.append(str(event.probe_id))
        if len(hanging) == AT_ONCE[SLOW]:
            hung.set()
        await answers.wait()

    async def is_quick(event: Probed, _: Means) -> None:
        quick_done.set()

    sends(Probed, SLOW, name="hangs")(hangs)
    sends(Probed, URGENT, name="is_quick")(is_quick)
    try:
        async with running(database, queues, broker), asyncio.timeout(60):
            await queues.publish(SLOW, [job("hangs") for _ in range(AT_ONCE[SLOW] + 5)])
            await hung.wait()
            await queues.publish(URGENT, [job("is_quick")])
            await quick_done.wait()
            assert len(hanging) == AT_ONCE[SLOW]
            answers.set()
            while len(hanging) < AT_ONCE[SLOW] + 5:
                await asyncio.sleep(0.02)
    finally:
        for name in ("hangs", "is_quick"):
            registry._handlers.pop(name)
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from job where state = 'done'") == AT_ONCE[SLOW] + 6


async def test_a_stop_is_heard_while_every_place_is_taken(broker: Settings, queues: Queues, database: Database) -> None:
    hung, answers, began = asyncio.Event(), asyncio.Event(), list[str]()

    async def hangs(event: Probed, _: Means) -> None:
        began.append(str(event.probe_id))
        if len(began) == AT_ONCE[SLOW]:
            hung.set()
        await answers.wait()

    sends(Probed, SLOW, name="hangs")(hangs)
    loops, jobs = Loops(), Jobs(database, uuid.uuid7(), Means(broker, queues, database))
    errands = Errands(queues, jobs, broker)
    try:
        turning = asyncio.create_task(loops.run("slow", partial(errands.turn, SLOW)))
        await queues.publish(SLOW, [job("hangs") for _ in range(AT_ONCE[SLOW])])
        async with asyncio.timeout(60):
            await hung.wait()
            loops.stop()
            await turning  # though none of them has ended
        answers.set()
        await errands.finish()
    finally:
        registry._handlers.pop("hangs")


async def test_what_nobody_foresaw_is_named_and_harms_no_other(
    broker: Settings, queues: Queues, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    errands = Errands(queues, Jobs(database, uuid.uuid7(), Means(broker, queues, database)), broker)
    done: list[str] = []

    async def do(job: Job) -> None:
        done.append(job.handler)
        if job.handler == "wrong":
            raise KeyError("not this one")

    monkeypatch.setattr(errands._jobs, "do", do)
    await queues.publish(URGENT, [job("wrong"), job("sound")])
    while sorted(done) != ["sound", "wrong"]:
        await errands.turn(URGENT)
        await asyncio.sleep(0.01)
    await errands.finish()
    assert str(errands.failing.problem()).endswith(": KeyError: 'not this one'")
    assert str(errands.failing.problem()).startswith(URGENT.name)


async def test_what_could_not_be_done_is_given_back_and_takes_no_place(
    broker: Settings, queues: Queues, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    errands = Errands(queues, Jobs(database, uuid.uuid7(), Means(broker, queues, database)), broker)
    errands._lease = 3600.0
    tried = list[str]()

    async def do(job: Job) -> None:
        tried.append(job.handler)
        if len(tried) <= AT_ONCE[URGENT]:
            raise Unavailable("PostgreSQL stays away")

    monkeypatch.setattr(errands._jobs, "do", do)
    await queues.publish(URGENT, [*(job("early") for _ in range(AT_ONCE[URGENT])), job("late")])
    async with asyncio.timeout(60):
        while len(tried) < 2 * AT_ONCE[URGENT] + 1:
            await errands.turn(URGENT)
            await asyncio.sleep(0.01)
    await errands.finish()
    assert (tried.count("early"), tried.count("late")) == (2 * AT_ONCE[URGENT], 1)


async def test_what_is_in_work_does_not_come_again_however_long_it_takes(
    broker: Settings, queues: Queues, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    errands = Errands(queues, Jobs(database, uuid.uuid7(), Means(broker, queues, database)), broker)
    errands._lease = 3.0
    tried, may_end = list[str](), asyncio.Event()

    async def do(job: Job) -> None:
        tried.append(job.handler)
        await may_end.wait()

    monkeypatch.setattr(errands._jobs, "do", do)
    await queues.publish(SLOW, [job("long")])
    async with asyncio.timeout(60):
        while not tried:
            await errands.turn(SLOW)
            await asyncio.sleep(0.05)
    errands._lease = 3600.0
    await errands.hold(SLOW)
    await asyncio.sleep(3.5)
    await errands.turn(SLOW)
    may_end.set()
    await errands.finish()
    assert tried == ["long"]


async def test_what_is_no_job_is_put_among_the_dead(broker: Settings, queues: Queues, database: Database) -> None:
    async with running(database, queues, broker):
        await queues.publish(URGENT, [Message(b"[1]"), Message(b'{"kind":"Probed"}'), job("nobody")])
        async with asyncio.timeout(60):
            while await queues.size(URGENT.dead) < 2:
                await asyncio.sleep(0.05)
        await empty(queues, URGENT)
    async with database.transaction() as tx:
        assert await tx.fetchval("select state from job") == "waiting"
