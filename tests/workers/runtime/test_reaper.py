"""What a dead worker held is sent out again; what a living one holds is left to it."""

from kernel.settings import Settings
from kernel.store.database import Database
from tests.workers.runtime.test_job import odd, row
from workers.runtime.reaper import Reaper


async def held_by(database: Database, seen: str, started: str = "10 seconds", held: str | None = None) -> str:
    """A running job whose worker was seen so long ago, and whose claim lasts for so long from now."""
    one = await odd(database, "raise")
    async with database.transaction() as tx:
        worker = await tx.fetchval(
            "insert into worker (id, host, pid, seen_at)"
            f" values (gen_random_uuid(), 'h', 1, now() - interval '{seen}') returning id"
        )
        await tx.execute(
            "insert into job (event_id, handler, kind, payload, state, attempts, worker, started_at, held_until)"
            f" values ($1, 'misbehave', 'JobTriedAgain', '{{}}', 'running', 2, $2, now() - interval '{started}',"
            " now() + cast($3 as text)::interval)",
            one.event_id,
            worker,
            held,
        )
    state = await Reaper(database, SETTINGS).reap()
    found = await row(database, one)
    assert found["attempts"] == 2
    assert state == (found["state"] == "waiting")
    return str(found["state"])


SETTINGS = Settings(worker_silence=3.0)


async def test_the_job_of_a_dead_worker_goes_to_another(database: Database) -> None:
    assert await held_by(database, "4 seconds") == "waiting"
    async with database.transaction() as tx:
        assert await tx.fetchval("select handler from outbox") == "misbehave"


async def test_the_job_of_a_living_worker_stays(database: Database) -> None:
    assert await held_by(database, "1 second", "1 hour") == "running"


async def test_a_claim_that_is_over_goes_to_another_though_its_worker_lives(database: Database) -> None:
    assert await held_by(database, "1 second", "1 hour", held="1 minute") == "running"
    assert await held_by(database, "1 second", "1 hour", held="-1 second") == "waiting"
    assert await held_by(database, "1 second", "2 seconds", held="-3 seconds") == "running", "a pause before the claim"


async def test_a_job_that_somebody_is_finishing_is_left_alone(database: Database) -> None:
    one = await odd(database, "raise")
    async with database.transaction() as tx:
        await tx.execute(
            "insert into job (event_id, handler, kind, payload, state, worker, started_at)"
            " values ($1, 'misbehave', 'x', '{}', 'running', gen_random_uuid(), now() - interval '1 hour')",
            one.event_id,
        )
    async with database.transaction() as holder:
        await holder.execute("update job set version = version")
        assert await Reaper(database, SETTINGS).reap() == 0
    assert await Reaper(database, SETTINGS).reap() == 1
