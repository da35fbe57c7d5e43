"""The database: what stands in it that should not is found, and shown with the ids that lead on."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from hexad.checks import store
from hexad.checks.finding import Finding
from kernel.audit.anchor import anchor
from kernel.settings import Settings
from kernel.store.database import Tx


async def found(tx: Tx, settings: Settings) -> dict[str, Finding]:
    """Findings by part."""
    return {finding.part: finding async for finding in store.examine(tx, settings)}


async def test_a_fresh_database_lacks_only_processes(tx: Tx, settings: Settings) -> None:
    findings = await found(tx, settings)
    unwell = {part for part, finding in findings.items() if finding.state != "ok"}
    assert unwell - {"schedules"} == {"workers"}, "schedules are given time where PostgreSQL started just now"
    assert findings["database"].says.endswith("as hexad_app, which owns nothing")


async def test_a_role_that_owns_tables_fails(owner_tx: Tx, settings: Settings) -> None:
    assert (await found(owner_tx, settings))["database"].state == "fail"


async def test_row_security_that_is_not_forced_fails(owner_tx: Tx, settings: Settings) -> None:
    await owner_tx.execute("alter table idempotency no force row level security")
    finding = (await found(owner_tx, settings))["row security"]
    assert finding.state == "fail"
    assert "idempotency" in finding.says


async def test_missing_migrations_end_the_examination(owner_tx: Tx, settings: Settings) -> None:
    await owner_tx.execute("delete from migration where number = (select max(number) from migration)")
    findings = await found(owner_tx, settings)
    assert findings["schema"].mend == "run `hexad migrate`"
    assert "outbox" not in findings


@pytest.mark.parametrize(("age", "state"), [("1 second", "ok"), ("1 minute", "warn"), ("1 hour", "fail")])
async def test_events_that_wait_for_long_are_told(tx: Tx, settings: Settings, age: str, state: str) -> None:
    await tx.execute(
        "insert into outbox (event_id, kind, payload, available_at)"
        f" values (gen_random_uuid(), 'Probed', '{{}}', now() - interval '{age}')"
    )
    assert (await found(tx, settings))["outbox"].state == state


async def test_jobs_set_aside_are_shown_with_their_ids_and_the_way_to_try_again(tx: Tx, settings: Settings) -> None:
    event = uuid4()
    await tx.execute(
        "insert into job (event_id, handler, kind, state) values ($1, 'count_probe', 'Probed', 'set_aside')", event
    )
    finding = (await found(tx, settings))["jobs"]
    assert finding.state == "warn"
    assert f"{event}/count_probe" in finding.says
    assert "retry" in finding.mend


async def test_workers_and_schedules_that_live_are_well(tx: Tx, settings: Settings) -> None:
    await tx.execute("insert into worker (id, host, pid) values (gen_random_uuid(), 'here', 1)")
    await tx.execute("insert into schedule_run (name, due_at, event_id) values ('probe', now(), gen_random_uuid())")
    findings = await found(tx, settings)
    assert findings["workers"].says == "1 children work"
    assert findings["schedules"].state == "ok"


@pytest.mark.parametrize(
    ("age", "running", "state"),
    [
        (None, 20.0, "ok"),
        (None, 200.0, "warn"),
        (86400.0, 20.0, "ok"),
        (200.0, 9999.0, "warn"),
        (9999.0, 9999.0, "fail"),
    ],
)
def test_schedules_are_late_only_when_there_was_time(age: float | None, running: float, state: str) -> None:
    due = datetime(2026, 11, 23, 0, 5, tzinfo=UTC)
    rows = [] if age is None else [{"name": "probe", "due_at": due, "age": age}]
    finding = store.punctual(rows, running)
    assert finding.state == state
    assert finding.says == ("last: probe 2026-11-23 08:05 in Beijing" if rows else "last: nothing has run yet")


@pytest.mark.parametrize(("silence", "state"), [(600.0, "ok"), (30.0, "fail")])
async def test_a_worker_is_silent_after_the_time_that_is_set(
    tx: Tx, settings: Settings, silence: float, state: str
) -> None:
    await tx.execute(
        "insert into worker (id, host, pid, seen_at) values (gen_random_uuid(), 'here', 1, now() - interval '100 s')"
    )
    patient = msgspec.structs.replace(settings, worker_silence=silence)
    assert (await found(tx, patient))["workers"].state == state


async def test_a_chain_that_is_not_the_anchored_one_fails(tx: Tx, settings: Settings, tmp_path: Path) -> None:
    own = msgspec.structs.replace(settings, audit_anchor=str(tmp_path / "anchor"))
    anchor(own).append(1, hashlib.sha256(b"another").digest(), datetime.now(UTC))
    finding = (await found(tx, own))["audit"]
    assert finding.state == "fail"
    assert "hexad audit verify" in finding.mend


async def test_messages_that_could_not_be_read_are_told_with_their_broadcast(tx: Tx, settings: Settings) -> None:
    assert (await found(tx, settings))["messages"].state == "ok"
    await tx.execute(
        "insert into broadcast_count (broadcast_id, state, reason, messages)"
        " select uuidv7(), 'failed', reason, 2 from unnest(array['unreadable', '']) as reason"
    )
    told = (await found(tx, settings))["messages"]
    assert told.state == "warn"
    assert told.says.startswith("failed this week: 2 unreadable of ")
