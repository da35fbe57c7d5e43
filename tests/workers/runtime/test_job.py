"""A job's effect happens once whatever is delivered how often; one that never works is set aside and shown."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import msgspec
import psutil
import pytest
import uuid_utils.compat as uuid

from hexad.embedded import Postgres
from kernel.errors import Unavailable
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.event import Event, JobTriedAgain, Probed
from tests.workers.conftest import means
from workers.runtime import job as job_protocol
from workers.runtime import probe, registry
from workers.runtime.job import Jobs
from workers.runtime.message import Job
from workers.runtime.registry import handles


def job(event: Event, handler: str) -> Job:
    payload = msgspec.to_builtins(event)
    return Job(event_id=uuid.uuid7(), kind=event.kind(), handler=handler, payload=payload, request_id="r-1")


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


async def due(database: Database, jobs: Jobs, one: Job) -> str:
    """What becomes of a job when its pause is over."""
    async with database.transaction() as tx:
        await tx.execute("update job set held_until = now() where event_id = $1", one.event_id)
    return await jobs.do(one)


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


async def test_what_failed_waits_for_its_pause_whatever_copies_of_its_message_come(
    database: Database, quick: Settings
) -> None:
    patient = msgspec.structs.replace(quick, job_backoff=60.0)
    jobs, one = Jobs(database, uuid.uuid7(), means(patient, database)), await odd(database, "raise")
    assert [await jobs.do(one) for _ in range(3)] == ["waiting", "busy", "busy"]
    waiting = await row(database, one)
    assert (waiting["state"], waiting["attempts"]) == ("waiting", 1)
    async with database.transaction() as tx:
        again = await tx.fetch("select available_at from outbox where event_id = $1", one.event_id)
    pauses = sorted(at - waiting["held_until"] for (at,) in again)
    assert pauses[0] == timedelta(), "its own message comes when its pause is over"
    assert pauses[1:] == [timedelta(seconds=5)] * 2, "the copies come after that"
    assert await due(database, jobs, one) == "waiting"
    assert (await row(database, one))["attempts"] == 2


async def test_what_waits_without_a_message_on_its_way_is_not_forgotten(jobs: Jobs, database: Database) -> None:
    """A reaper before 0035 leaves the end of the claim in the row that it takes back."""
    one = await odd(database, "raise")
    await jobs.do(one)
    async with database.transaction() as tx:
        await tx.execute("delete from outbox")
        await tx.execute("update job set held_until = now() + interval '1 minute'")
    assert await jobs.do(one) == "busy"
    async with database.transaction() as tx:
        assert await tx.fetchval("select available_at > held_until from outbox join job using (event_id, handler)")
    assert await due(database, jobs, one) == "waiting"


async def test_a_pause_is_a_day_at_most_however_many_tries_there_were(database: Database, quick: Settings) -> None:
    stubborn = msgspec.structs.replace(quick, job_backoff=2.0, job_attempts=100)
    jobs, one = Jobs(database, uuid.uuid7(), means(stubborn, database)), await odd(database, "raise")
    await jobs.do(one)
    async with database.transaction() as tx:
        await tx.execute("update job set attempts = 98")
    assert [await due(database, jobs, one) for _ in range(2)] == ["waiting", "set_aside"]
    async with database.transaction() as tx:
        pause = await tx.fetchval("select max(available_at - created_at) from outbox")
    assert timedelta(hours=23) < pause <= timedelta(days=1)


async def test_an_error_that_postgresql_cannot_store_is_stored_as_far_as_it_can(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "surrogate")
    assert await jobs.do(one) == "waiting"
    assert (await row(database, one))["error"] == "RuntimeError: no such file: ?.csv"


async def test_what_raises_five_times_is_set_aside_with_its_error_and_payload(jobs: Jobs, database: Database) -> None:
    one = await odd(database, "raise")
    assert [await due(database, jobs, one) for _ in range(6)] == ["waiting"] * 4 + ["set_aside", "repeated"]
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
    assert await Jobs(database, uuid.uuid7(), means(short, database)).do(one) == "waiting"
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
    sleeping = asyncio.create_task(Jobs(frozen, uuid.uuid7(), means(quick, frozen)).do(one))
    await frozen.claimed.wait()
    assert await jobs.do(one) == "done"
    frozen.awake.set()
    assert await sleeping == "repeated"
    assert await effects(database) == [1]


async def test_a_claim_whose_row_is_gone_is_made_again_and_the_effect_happens_once(
    jobs: Jobs, database: Database, quick: Settings
) -> None:
    frozen, one = Frozen(database), await probed(database)
    sleeping = asyncio.create_task(Jobs(frozen, uuid.uuid7(), means(quick, frozen)).do(one))
    await frozen.claimed.wait()
    async with database.transaction() as tx:
        await tx.execute("delete from job")
    frozen.awake.set()
    assert await sleeping == "done"
    assert await effects(database) == [1]
    assert await jobs.do(one) == "repeated"


async def test_what_fails_without_its_row_is_not_taken_for_done(
    jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, finish = await odd(database, "raise"), job_protocol._sql.finish

    async def and_vanishes(tx: Tx, **ids: object) -> object:
        finished = await finish(tx, **ids)
        monkeypatch.setattr(job_protocol._sql, "fail", vanished)
        return finished

    async def vanished(tx: Tx, **_: object) -> None:
        await tx.execute("delete from job")

    monkeypatch.setattr(job_protocol._sql, "finish", and_vanishes)
    assert await jobs.do(one) == "waiting"
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where event_id = $1", one.event_id) == 1


async def test_a_job_of_another_version_waits_for_a_worker_that_knows_it(
    jobs: Jobs, database: Database, quick: Settings
) -> None:
    newer = job(Probed(probe_id=uuid.uuid7()), "of_tomorrow")
    assert [await jobs.do(newer) for _ in range(2)] == ["waiting"] * 2
    waiting = await row(database, newer)
    assert (waiting["state"], waiting["attempts"]) == ("waiting", 0)
    async with database.transaction() as tx:
        again = await tx.fetch("select handler, available_at > now() as later from outbox")
        await tx.execute("insert into probe (id) values ($1)", newer.payload["probe_id"])
        assert [tuple(one) for one in again] == [("of_tomorrow", True)] * 2
    handles(Probed, name="of_tomorrow")(of_tomorrow)
    try:
        assert await jobs.do(newer) == "done"
        assert await jobs.do(newer) == "repeated"
    finally:
        registry._handlers.pop("of_tomorrow")
    assert await effects(database) == [1]


async def of_tomorrow(tx: Tx, event: Probed) -> None:
    await tx.execute("update probe set handled = handled + 1 where id = $1", event.probe_id)


async def test_a_job_that_nobody_knew_for_days_is_set_aside_and_shown(jobs: Jobs, database: Database) -> None:
    forged = job(Probed(probe_id=uuid.uuid7()), "nobody")
    assert await jobs.do(forged) == "waiting"
    async with database.transaction() as tx:
        await tx.execute("update job set started_at = now() - interval '8 days'")
    assert await jobs.do(forged) == "set_aside"
    assert await jobs.do(forged) == "repeated"
    aside = await row(database, forged)
    assert (aside["state"], aside["error"]) == ("set_aside", "no handler is named nobody")


def kill(server: Postgres, number: signal.Signals, only: str = "") -> None:
    """Sends a signal to every process of the cluster, or to the one that is named so."""
    first = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
    named = [one for one in [first, *first.children()] if only in " ".join(one.cmdline())]
    for process in named:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    if number == signal.SIGKILL:
        psutil.wait_procs(named, timeout=30)


@pytest.mark.timeout(120)
async def test_a_claim_that_postgresql_lost_when_it_crashed_is_made_again(
    own_cluster: Postgres, quick: Settings
) -> None:
    settings = msgspec.structs.replace(quick, database_url=own_cluster.url("hexad_app"), job_timeout=60.0)
    database = await Database.open(settings.database_url, settings, minimum=0)
    frozen, one = Frozen(database), await probed(database)
    kill(own_cluster, signal.SIGSTOP, only="walwriter")  # nothing reaches the disk but what is waited for
    sleeping = asyncio.create_task(Jobs(frozen, uuid.uuid7(), means(settings, frozen)).do(one))
    await frozen.claimed.wait()
    assert (await row(database, one))["state"] == "running"
    kill(own_cluster, signal.SIGKILL)
    await asyncio.to_thread(own_cluster.start)
    again = await Database.open(settings.database_url, settings)
    async with again.transaction() as tx:
        assert await tx.fetchval("select count(*) from job") == 0
    frozen.awake.set()
    assert await sleeping == "done"
    assert await effects(again) == [1]
    assert (await row(again, one))["state"] == "done"
    for opened in (database, again):
        await opened.close()


async def test_while_postgresql_is_away_the_job_waits_and_then_goes_back_to_the_broker(quick: Settings) -> None:
    short = msgspec.structs.replace(quick, job_timeout=1.0)
    nowhere = await Database.open("postgresql://x@127.0.0.1:1/x", short, size=1, minimum=0)
    one = job(Probed(probe_id=uuid.uuid7()), "count_probe")
    with pytest.raises(Unavailable):
        await Jobs(nowhere, uuid.uuid7(), means(short, nowhere)).do(one)
    await nowhere.close()
