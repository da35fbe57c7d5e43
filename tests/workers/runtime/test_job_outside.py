"""Jobs that tell somebody outside are told by one worker at a time, and none is held for ever by who gave up."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.queues import SLOW
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.database import Database
from mobile_contracts.event import Probed
from tests.workers.conftest import means
from tests.workers.runtime.test_job import job, row
from workers.runtime import registry
from workers.runtime.job import Jobs, claim_seconds
from workers.runtime.message import Job
from workers.runtime.registry import Means, sends


@pytest.fixture
def errand() -> Iterator[tuple[asyncio.Event, asyncio.Event, list[str]]]:
    """A handler that waits outside, in no transaction: it was begun, may end, and whom it told."""
    begun, may_end, told = asyncio.Event(), asyncio.Event(), []

    async def run_errand(event: Probed, _: Means) -> None:
        outside.call("somebody")
        begun.set()
        await may_end.wait()
        told.append(str(event.probe_id))

    sends(Probed, SLOW, name="run_errand")(run_errand)
    yield begun, may_end, told
    registry._handlers.pop("run_errand")


Errand = tuple[asyncio.Event, asyncio.Event, list[str]]


async def test_what_one_worker_is_telling_outside_no_other_tells_while_it_lives(
    jobs: Jobs, database: Database, quick: Settings, errand: Errand
) -> None:
    begun, may_end, told = errand
    one = job(Probed(probe_id=uuid.uuid7()), "run_errand")
    other = Jobs(database, uuid.uuid7(), means(quick, database))
    telling = asyncio.create_task(jobs.do(one))
    await begun.wait()
    assert [await other.do(one), await jobs.do(one)] == ["busy"] * 2
    may_end.set()
    assert await telling == "done"
    assert await other.do(one) == "repeated"
    assert len(told) == 1
    assert (await row(database, one))["attempts"] == 1


async def told_by_another(
    database: Database, one: Job, *, seen_ago: float = 0.0, begun_ago: float = 0.0, over_ago: float | None = None
) -> None:
    """Another worker has the job, was seen and began so many seconds ago; in the row stands an end so long ago."""
    async with database.transaction() as tx:
        await tx.execute(
            "with other as (insert into worker (id, host, pid, seen_at)"
            "               values (gen_random_uuid(), 'h', 1, now() - make_interval(secs => $2)) returning id)"
            "insert into job (event_id, handler, kind, payload, state, attempts, worker, started_at, held_until)"
            " select $1, 'run_errand', 'Probed', '{}', 'running', 1, id, now() - make_interval(secs => $3),"
            "        now() - make_interval(secs => $4) from other",
            one.event_id,
            seen_ago,
            begun_ago,
            over_ago,
        )


_LONG = 3600.0


@pytest.mark.parametrize(
    "ago",
    [{"seen_ago": _LONG}, {"begun_ago": _LONG}, {"begun_ago": _LONG, "over_ago": 1.0}],
    ids=["died", "gave up while PostgreSQL was away, before 0035", "gave up while PostgreSQL was away"],
)
async def test_what_a_worker_was_telling_outside_another_tells_when_it_will_not(
    jobs: Jobs, database: Database, errand: Errand, ago: dict[str, float]
) -> None:
    _, may_end, told = errand
    may_end.set()
    one = job(Probed(probe_id=uuid.uuid7()), "run_errand")
    await told_by_another(database, one, **ago)
    assert await jobs.do(one) == "done"
    assert len(told) == 1


async def test_the_end_of_a_pause_is_not_the_end_of_a_claim_that_came_after_it(
    jobs: Jobs, database: Database, errand: Errand
) -> None:
    """A worker before 0035 claims without saying for how long."""
    one = job(Probed(probe_id=uuid.uuid7()), "run_errand")
    await told_by_another(database, one, begun_ago=1.0, over_ago=2.0)
    assert await jobs.do(one) == "busy"


async def test_how_long_a_claim_lasts_is_said_by_whoever_claimed(
    jobs: Jobs, database: Database, quick: Settings, errand: Errand
) -> None:
    begun, may_end, told = errand
    one = job(Probed(probe_id=uuid.uuid7()), "run_errand")
    patient, hasty = (msgspec.structs.replace(quick, job_timeout=seconds) for seconds in (600.0, 1.0))
    telling = asyncio.create_task(Jobs(database, jobs._worker, means(patient, database)).do(one))
    await begun.wait()
    async with database.transaction() as tx:
        await tx.execute("update job set started_at = now() - make_interval(secs => $1)", claim_seconds(hasty) + 1)
    assert await Jobs(database, uuid.uuid7(), means(hasty, database)).do(one) == "busy"
    may_end.set()
    assert await telling == "done"
    assert len(told) == 1
