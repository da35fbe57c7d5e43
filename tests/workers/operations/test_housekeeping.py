"""Housekeeping deletes what has outlived its purpose, and nothing else."""

import asyncpg
import msgspec
import pytest

from kernel.schema import retention
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import HousekeepingDue, OutlivedDue
from tests.workers.runtime.test_job import job
from workers.operations import housekeeping
from workers.runtime.job import Jobs

OLD_AND_NEW = """
insert into idempotency (principal, key, request, status, headers, body, created_at)
    values ('staff:1', 'old', '', 200, '{}', '', now() - interval '25 hours'),
           ('staff:1', 'new', '', 200, '{}', '', now());
insert into job (event_id, handler, kind, state, finished_at)
    values (gen_random_uuid(), 'old', 'x', 'done', now() - interval '8 days'),
           (gen_random_uuid(), 'new', 'x', 'done', now()),
           (gen_random_uuid(), 'aside', 'x', 'set_aside', now() - interval '800 days');
insert into schedule_run (name, due_at, event_id)
    values ('s', now() - interval '91 days', gen_random_uuid()), ('s', now(), gen_random_uuid());
insert into probe (id, sent_at) values (gen_random_uuid(), now() - interval '2 days'), (gen_random_uuid(), now());
insert into worker (id, host, pid, seen_at) values (gen_random_uuid(), 'h', 1, now() - interval '2 days');
insert into session (id, audience, subject, expires_at)
    values (gen_random_uuid(), 'staff', 'old', now() - interval '91 days'), (gen_random_uuid(), 'staff', 'new', now());
insert into refresh_token (hash, session_id, expires_at)
    select hash, (select id from session where subject = 'new'), expires_at
      from (values ('old'::bytea, now() - interval '2 days'), ('new'::bytea, now())) as token (hash, expires_at);
insert into one_time_code (id, purpose, audience, subject, device_id, hash, address, created_at, expires_at)
    values (gen_random_uuid(), 'sign_in', 'investor', 'old', 'd', '', 'a', now() - interval '49 hours', now()),
           (gen_random_uuid(), 'sign_in', 'investor', 'new', 'd', '', 'a', now() - interval '23 hours', now());
insert into oidc_request (state, nonce, verifier, device_id, expires_at)
    values ('old', '', '', 'old', now() - interval '1 second'), ('new', '', '', 'new', now() + interval '5 minutes');
insert into sign_in_attempt (address, subject, at)
    values ('old', '', now() - interval '61 minutes'), ('old', 'somebody', now() - interval '25 hours'),
           ('new', '', now()), ('new', 'somebody', now() - interval '23 hours');
insert into customer_left (branch_id, customer_id, left_at) values (1, 1, now() - interval '91 days'), (1, 2, now());
"""
LEFT = {
    "idempotency": (1, "key = 'new'"),
    "job": (3, "handler in ('new', 'aside', 'keep_house')"),
    "schedule_run": (1, "true"),
    "probe": (1, "true"),
    "worker": (1, "host = 'test'"),
    "session": (1, "subject = 'new'"),
    "refresh_token": (1, "hash = 'new'"),
    "one_time_code": (1, "subject = 'new'"),
    "oidc_request": (1, "device_id = 'new'"),
    "sign_in_attempt": (2, "address = 'new'"),
    "customer_left": (1, "customer_id = 2"),
}


async def test_the_old_goes_and_the_new_stays(
    jobs: Jobs, postgres_superuser: str, database: Database, own_settings: Settings
) -> None:
    superuser = await asyncpg.connect(postgres_superuser)
    await superuser.execute(OLD_AND_NEW)
    assert await jobs.do(job(HousekeepingDue(), "keep_house")) == "done"
    events = await superuser.fetch("select kind, payload->>'table' from outbox order by id")
    due = [table for kind, table in events if kind == "OutlivedDue"]
    assert due == retention.forgotten()
    assert [table for kind, table in events if kind == "MonthsDue"] == retention.in_months()
    for table in due:
        assert await jobs.do(job(OutlivedDue(table=table), "forget_outlived")) == "done"
    await superuser.execute("delete from job where handler = 'forget_outlived'")
    found = {
        table: await superuser.fetchval(f"select count(*) from {table} where {which}")
        for table, (_, which) in LEFT.items()
    }
    total = {table: await superuser.fetchval(f"select count(*) from {table}") for table in LEFT}
    await superuser.close()
    assert found == total == {table: count for table, (count, _) in LEFT.items()}


async def test_what_is_left_when_the_time_is_over_is_gone_on_with_at_once(
    jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "CHUNK", 10)
    monkeypatch.setattr(housekeeping, "RUN_SECONDS", 0.0)
    async with database.transaction() as tx:
        await tx.execute(
            "insert into probe (id, sent_at) select gen_random_uuid(), now() - interval '2 days'"
            " from generate_series(1, 25)"
        )
    runs = 0
    event: OutlivedDue | None = OutlivedDue(table="probe")
    while event is not None:
        assert await jobs.do(job(event, "forget_outlived")) == "done"
        runs += 1
        async with database.transaction() as tx:
            again = await tx.fetchval("delete from outbox returning payload::text")
        event = msgspec.json.decode(again, type=OutlivedDue) if again else None
    assert runs == 3
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from probe") == 0


async def test_a_run_goes_on_as_long_as_it_may(jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "CHUNK", 10)
    async with database.transaction() as tx:
        await tx.execute(
            "insert into probe (id, sent_at) select gen_random_uuid(), now() - interval '2 days'"
            " from generate_series(1, 45)"
        )
    monkeypatch.setattr(housekeeping, "RUN_SECONDS", 600.0)
    assert await jobs.do(job(OutlivedDue(table="probe"), "forget_outlived")) == "done"
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from probe") == 0
        assert await tx.fetchval("select count(*) from outbox") == 0
