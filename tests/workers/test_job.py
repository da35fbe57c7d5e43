"""A job's effect happens once whatever is delivered how often; one that never works is set aside and shown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.database import Database, Tx
from kernel.errors import Unavailable
from kernel.settings import Settings
from mobile_contracts.event import Event, JobTriedAgain, Probed
from tests.workers.conftest import means
from workers import probe
from workers.job import Jobs
from workers.message import Job


def job(event: Event, handler: str) -> Job:
    payload = msgspec.to_builtins(event)
    return Job(event_id=uuid.uuid7(), kind=type(event).__name__, handler=handler, payload=payload, request_id="r-1")


async def probed(database: Database) -> Job:
    async with database.transaction() as tx:
        return job(await probe.prepare(tx), "count_probe")


async def odd(database: Database, what: str) -> Job:
    async with database.transaction() as tx:
        event = await probe.prepare(tx)
    return job(JobTriedAgain(event_id=event.probe_id, handler=what), "misbehave")


async def row(database: Database, of: Job) -> asyncpg.Record:
    async with database.transaction() as tx:
        found = await tx.fetchrow("select * from job where event_id = $1", of.event_id)
    assert found is not None
    return found


async def effects(database: Database) -> list[int]:
    async with database.transaction() as tx:
        return [r[0] for r in await tx.fetch("select handled from probe")]


async def test_a_job_is_done_once_however_often_it_is_delivered(jobs: Jobs, database: Database) -> None:
    one = await probed(database)
    assert [await jobs.do(one) for _ in range(3)] == ["done", "repeated", "repeated"]
    assert await effects(database) == [1]
    done = await row(database, one)
    assert (done["state"], done["payload"], done["attempts"]) == ("done", None, 1)


async def test_deliveries_at_the_same_moment_have_one_effect(jobs: Jobs, database: Database) -> None:
    one = await probed(database)
    outcomes = await asyncio.gather(*(jobs.do(one) for _ in range(4)))
    assert outcomes.count("done") == 1
    assert await effects(database) == [1]


async def test_what_raises_is_undone_and_goes_back_to_the_outbox_for_later(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "raise")
    assert await jobs.do(one) == "waiting"
    assert await effects(database) == [0]
    waiting = await row(database, one)
    assert waiting["state"] == "waiting"
    assert waiting["error"].startswith("RuntimeError: this job never works")
    async with database.transaction() as tx:
        again = await tx.fetchrow("select * from outbox")
    assert again is not None
    assert (again["event_id"], again["handler"], again["request_id"]) == (one.event_id, "misbehave", "r-1")
    assert msgspec.json.decode(again["payload"]) == one.payload
    assert again["available_at"] > again["created_at"]


async def test_an_error_that_postgresql_cannot_store_is_stored_as_far_as_it_can(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "surrogate")
    assert await jobs.do(one) == "waiting"
    assert (await row(database, one))["error"] == "RuntimeError: no such file: ?.csv"


async def test_what_raises_five_times_is_set_aside_with_its_error_and_payload(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "raise")
    assert [await jobs.do(one) for _ in range(6)] == ["waiting"] * 4 + ["set_aside", "repeated"]
    aside = await row(database, one)
    assert (aside["state"], aside["attempts"]) == ("set_aside", 5)
    assert "this job never works" in aside["error"]
    assert "13812345678" not in aside["error"]
    assert msgspec.json.decode(aside["payload"]) == one.payload


async def test_what_killed_its_process_five_times_is_set_aside(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "exit")
    async with database.transaction() as tx:
        await tx.execute(
            "insert into job (event_id, handler, kind, payload, state, attempts)"
            " values ($1, $2, 'x', '{}', 'running', 5)",
            one.event_id,
            one.handler,
        )
    assert await jobs.do(one) == "set_aside"
    assert "death of the process" in (await row(database, one))["error"]


async def test_what_takes_too_long_is_undone_and_tried_again(database: Database, quick: Settings) -> None:
    short = msgspec.structs.replace(quick, job_timeout=1.0)
    one = await odd(database, "sleep 30")
    assert await Jobs(database, uuid.uuid7(), means(short)).do(one) == "waiting"
    assert await effects(database) == [0]
    assert "TimeoutError" in (await row(database, one))["error"]


async def test_a_job_that_somebody_holds_comes_again_without_losing_a_try(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "raise")
    await jobs.do(one)
    async with database.transaction() as holder:
        await holder.execute("update job set version = version where event_id = $1", one.event_id)
        assert await jobs.do(one) == "busy"
    assert (await row(database, one))["attempts"] == 1
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where handler = 'misbehave'") == 2


@pytest.mark.parametrize(
    ("handler", "payload", "said"),
    [
        ("nobody", {"kind": "Probed"}, "no handler is named nobody"),
        ("count_probe", {"kind": "Probed"}, "payload is not a Probed"),
        ("count_probe", {"kind": "HousekeepingDue"}, "payload is not a Probed"),
        ("count_probe", {"kind": "Probed", "probe_id": 7}, "payload is not a Probed"),
    ],
)
async def test_a_forged_job_is_set_aside_at_once(
    jobs: Jobs, database: Database, handler: str, payload: dict[str, object], said: str
) -> None:
    forged = Job(event_id=uuid.uuid7(), kind="Probed", handler=handler, payload=payload)
    assert await jobs.do(forged) == "set_aside"
    assert await jobs.do(forged) in {"set_aside", "repeated"}
    aside = await row(database, forged)
    assert aside["state"] == "set_aside"
    assert said in aside["error"]


async def test_a_forged_copy_of_a_job_that_is_done_changes_nothing(jobs: Jobs, database: Database) -> None:
    one = await probed(database)
    await jobs.do(one)
    await jobs.do(msgspec.structs.replace(one, payload={}))
    assert (await row(database, one))["state"] == "done"


async def test_a_handler_writes_as_the_system_in_the_request_of_its_event(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "audit")
    await jobs.do(one)
    async with database.transaction() as tx:
        audited = await tx.fetchrow("select principal, request_id from audit")
    assert audited is not None
    assert tuple(audited) == ("system:misbehave", "r-1")


class Frozen(Database):
    """A database whose user falls asleep between the claim and the effect."""

    def __init__(self, database: Database) -> None:
        self.__dict__.update(database.__dict__)
        self.claimed, self.awake = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        self.claimed.set()
        await self.awake.wait()
        async with super().transaction() as tx:
            yield tx


async def test_a_worker_that_slept_through_its_claim_finds_the_effect_there(
    jobs: Jobs, database: Database, quick: Settings
) -> None:
    frozen, one = Frozen(database), await probed(database)
    sleeping = asyncio.create_task(Jobs(frozen, uuid.uuid7(), means(quick)).do(one))
    await frozen.claimed.wait()
    assert await jobs.do(one) == "done"
    frozen.awake.set()
    assert await sleeping == "repeated"
    assert await effects(database) == [1]


async def test_while_postgresql_is_away_the_job_waits_and_then_goes_back_to_the_broker(quick: Settings) -> None:
    short = msgspec.structs.replace(quick, job_timeout=1.0)
    nowhere = await Database.open("postgresql://x@127.0.0.1:1/x", short, size=1, minimum=0)
    one = job(Probed(probe_id=uuid.uuid7()), "count_probe")
    with pytest.raises(Unavailable):
        await Jobs(nowhere, uuid.uuid7(), means(short)).do(one)
    await nowhere.close()
