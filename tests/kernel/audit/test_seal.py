"""Committed rows are sealed once each, in one chain, and whatever is done to rows, seals or anchor is found."""

import asyncio
import contextlib
import datetime
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from kernel.audit import seal as audit
from kernel.audit.anchor import Anchor, Anchored, anchor
from kernel.audit.seal import Report, Sealer
from kernel.events.outbox import Record, record
from kernel.security import scope
from kernel.settings import Settings
from kernel.store.database import Database
from tests.conftest import child_environment

LINE = Record(action="change", noun="customer", noun_id="1", before=None, after=None, reason="asked")


class Thing(msgspec.Struct):
    """What a row remembers."""

    name: str


@pytest.fixture
def file(own_settings: Settings) -> Anchor:
    """The anchor of the test's own database."""
    return anchor(own_settings)


@pytest.fixture
async def owner(own_settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """An intruder: the owner of the tables, who has switched off what guards them."""
    connection = await asyncpg.connect(own_settings.owner_url)
    await connection.execute("alter table audit disable trigger audit_append_only")
    await connection.execute("alter table audit_seal disable trigger audit_seal_append_only")
    yield connection
    await connection.close()


async def write(database: Database, rows: int) -> None:
    async with database.transaction() as tx:
        await scope.apply_system(tx, "test", request_id="r1")
        for number in range(rows):
            await record(tx, msgspec.structs.replace(LINE, before=Thing("张三"), noun_id=str(number)))


async def seal(database: Database, file: Anchor) -> int:
    sealer, total = Sealer(file), 0
    async with database.connection() as connection:
        while rows := await sealer.seal_once(connection):
            total += rows
    return total


async def check(database: Database, file: Anchor) -> Report:
    async with database.connection() as connection:
        return await audit.verify(connection, file)


def kinds(report: Report) -> list[tuple[str, int | None]]:
    return [(fault.kind, fault.position) for fault in report.faults]


@contextlib.asynccontextmanager
async def undone(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """What happens to rows and seals in here is undone at the end."""
    tables = ("audit", "audit_seal", "audit_unsealed")
    for table in tables:
        await owner.execute(f"create temporary table saved_{table} as table {table}")
    yield
    await owner.execute("alter table audit disable trigger audit_unseal; truncate audit, audit_seal, audit_unsealed")
    for table in tables:
        await owner.execute(
            f"insert into {table} overriding system value table saved_{table}; drop table saved_{table}"
        )
    await owner.execute("alter table audit enable trigger audit_unseal")


@pytest.fixture
async def ten(database: Database, file: Anchor, owner: asyncpg.Connection) -> Database:
    """Ten sealed rows in two anchored batches."""
    for rows in (6, 4):
        await write(database, rows)
        assert await seal(database, file) == rows
    return database


async def test_a_log_that_nobody_touched_is_sound(ten: Database, file: Anchor) -> None:
    await write(ten, 1)
    report = await check(ten, file)
    assert (report.sound, report.sealed, report.anchored, report.waiting) == (True, 10, 2, 1)


async def test_what_is_sealed_while_it_is_verified_is_no_fault(ten: Database, file: Anchor) -> None:
    class Busy(Anchor):
        """An anchor to which a sealer adds as soon as somebody begins to read it."""

        def lines(self, size: int | None = None) -> Iterator[Anchored]:
            self.append(11, b"\1" * 32, datetime.datetime.now(datetime.UTC))
            return super().lines(size)

    assert (await check(ten, Busy(file.path))).sound
    assert kinds(await check(ten, file)) == [("tail_cut", 11)]


async def test_between_pages_no_snapshot_is_held_and_what_is_written_then_is_no_fault(
    ten: Database, file: Anchor, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    chain, listing, looks = audit._sql.chain, audit._sql.never_listed, 0

    async def between(query: Callable[..., Awaitable[Any]], connection: asyncpg.Connection, **given: Any) -> Any:
        nonlocal looks
        looks += 1
        held = await owner.fetchrow(
            "select xact_start, backend_xmin from pg_stat_activity where pid = $1", connection.get_server_pid()
        )
        assert held is not None
        assert tuple(held) == (None, None)
        await write(ten, 2)
        await seal(ten, file)
        await write(ten, 1)
        return await query(connection, **given)

    monkeypatch.setattr(audit._sql, "chain", partial(between, chain))
    monkeypatch.setattr(audit._sql, "never_listed", partial(between, listing))
    report = await check(ten, file)
    assert (report.sound, report.sealed) == (True, 10)
    assert looks >= 8


async def test_a_tail_that_is_cut_while_it_is_verified_is_found(
    ten: Database, file: Anchor, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    chain = audit._sql.chain

    async def cut(connection: asyncpg.Connection, **given: Any) -> Any:
        page = await chain(connection, **given)
        await owner.execute("delete from audit_seal where position > 8")
        return page

    monkeypatch.setattr(audit._sql, "chain", cut)
    assert ("seal_missing", 9) in kinds(await check(ten, file))


async def test_an_empty_log_is_sound(database: Database, file: Anchor) -> None:
    assert (await check(database, file)).sound


async def test_every_column_is_in_the_chain(ten: Database, owner: asyncpg.Connection) -> None:
    columns = await owner.fetch(
        "select attname, atttypid::regtype::text as type from pg_attribute"
        " where attrelid = 'audit'::regclass and attnum > 1 and not attisdropped"
    )
    changes = {"text": "coalesce({0}, '') || 'x'", "jsonb": """'{{"name": "张四"}}'""", "bigint": "{0} + 1000",
               "timestamp with time zone": "{0} + interval '1 microsecond'"}  # fmt: skip
    whole = {"after": 0, "last": 1000, "size": 1000}
    for name, kind in columns:
        before = await audit._sql.chain(owner, **whole)
        change = owner.transaction()
        await change.start()
        await owner.execute(f"update audit set {name} = {changes[kind].format(name)} where noun_id = '3'")
        assert await audit._sql.chain(owner, **whole) != before, name
        await change.rollback()


ROW_CHANGES = [
    "at = at + interval '1 microsecond'",
    "principal = 'system:Test'",
    "session_id = 'x'",
    "device_id = ' '",
    "request_id = 'r2'",
    "action = 'read'",
    "noun = 'Customer'",
    "noun_id = '3 '",
    """before = '{"name": "张四"}'""",
    "before = null",
    "after = 'null'",
    "reason = null",
    "reason = 'Asked'",
    "request_id = '', noun = request_id || noun",
]


async def test_a_changed_row_is_found(ten: Database, file: Anchor, owner: asyncpg.Connection) -> None:
    for change in ROW_CHANGES:
        async with undone(owner):
            assert await owner.execute(f"update audit set {change} where id = 3") == "UPDATE 1"
            assert kinds(await check(ten, file)) == [("row_altered", 3)], change
    assert (await check(ten, file)).sound


SEAL_CHANGES = [
    ("hash = set_byte(hash, 0, get_byte(hash, 0) # 1)", ("seal_altered", 3)),
    ("sealed_at = sealed_at + interval '1 microsecond'", ("row_altered", 3)),
    ("position = 1000", ("seal_missing", 3)),
    ("audit_id = 1000", ("row_missing", 3)),
]


async def test_a_changed_seal_is_found(ten: Database, file: Anchor, owner: asyncpg.Connection) -> None:
    for change, found in SEAL_CHANGES:
        async with undone(owner):
            await owner.execute(f"update audit_seal set {change} where position = 3")
            assert kinds(await check(ten, file))[0] == found


async def test_a_changed_last_row_or_seal_is_found(ten: Database, file: Anchor, owner: asyncpg.Connection) -> None:
    await owner.execute("update audit set reason = null where id = 10")
    assert kinds(await check(ten, file)) == [("row_altered", 10)]


DAMAGES: list[tuple[str, tuple[str, int | None]]] = [
    ("delete from audit where id = 4", ("row_missing", 4)),
    ("delete from audit_seal where position = 4", ("seal_missing", 4)),
    ("delete from audit where id > 7", ("row_missing", 8)),
    ("delete from audit_seal where position > 7", ("tail_cut", 8)),
    (
        "alter table audit disable trigger audit_unseal;"
        "insert into audit (action, noun, noun_id) values ('a', 'b', 'c')",
        ("never_sealed", None),
    ),
    ("with cut as (delete from audit_seal where position > 7) delete from audit where id > 7", ("tail_cut", 8)),
    ("truncate audit_seal, audit, audit_unsealed", ("tail_cut", 1)),
    (
        "update audit_seal set audit_id = 111 - audit_id where position in (4, 5);"
        "update audit_seal set audit_id = audit_id - 102 where position in (4, 5)",
        ("row_altered", 4),
    ),
]


async def test_what_is_missing_added_reordered_or_cut_is_found(
    ten: Database, file: Anchor, owner: asyncpg.Connection
) -> None:
    for statement, found in DAMAGES:
        async with undone(owner):
            await owner.execute(statement)
            assert kinds(await check(ten, file))[0] == found, statement
    assert (await check(ten, file)).sound


async def test_a_chain_computed_anew_does_not_fit_the_anchor(
    ten: Database, file: Anchor, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await owner.execute("update audit set reason = 'nothing' where id = 2; truncate audit_seal")
    await owner.execute("insert into audit_unsealed select id from audit")
    assert await seal(ten, Anchor(tmp_path / "intruder")) == 10
    assert (await check(ten, Anchor(tmp_path / "intruder"))).sound
    assert kinds(await check(ten, file)) == [("anchor_differs", 6), ("anchor_differs", 10)]


async def test_a_row_deleted_before_it_was_sealed_is_found(
    ten: Database, file: Anchor, owner: asyncpg.Connection
) -> None:
    await write(ten, 2)
    await owner.execute("delete from audit where id = 11")
    assert await seal(ten, file) == 1
    assert kinds(await check(ten, file)) == [("row_missing", None)]


async def test_an_anchor_that_was_cut_or_altered_is_found(
    ten: Database, file: Anchor, owner: asyncpg.Connection
) -> None:
    whole = file.path.read_bytes()
    file.path.write_bytes(whole.replace(b"6 ", b"7 ", 1))
    assert ("anchor_altered", None) in kinds(await check(ten, file))
    file.path.write_bytes(whole.splitlines(keepends=True)[0])
    assert (await check(ten, file)).sound  # a seal may wait a moment for its anchor
    audit.ANCHORED_WITHIN, usual = audit.ANCHORED_WITHIN * 0, audit.ANCHORED_WITHIN
    try:
        assert kinds(await check(ten, file)) == [("anchor_cut", 7)]
    finally:
        audit.ANCHORED_WITHIN = usual


async def test_many_faults_are_counted_and_the_first_are_named(
    ten: Database, file: Anchor, owner: asyncpg.Connection
) -> None:
    await write(ten, 60)
    await seal(ten, file)
    await owner.execute("update audit set reason = 'x'")
    report = await check(ten, file)
    assert (report.fault_count, len(report.faults), report.sealed) == (70, 20, 70)


async def test_progress_is_told(ten: Database, file: Anchor) -> None:
    told: list[tuple[int, int]] = []
    async with ten.connection() as connection:
        await audit.verify(connection, file, lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)


async def test_writers_that_commit_out_of_order_are_sealed_exactly_once(database: Database, file: Anchor) -> None:
    chance, left = random.Random(7), 8

    async def writer() -> None:
        nonlocal left
        for _ in range(15):
            async with database.transaction() as tx:
                for _ in range(chance.randint(1, 3)):
                    await record(tx, LINE)
                await tx.execute("select pg_sleep($1)", chance.random() / 50)
        left -= 1

    async def sealer() -> None:
        mine = Sealer(file)
        while left:
            async with database.connection() as connection:
                await mine.seal_once(connection)

    async with asyncio.timeout(60):
        await asyncio.gather(*(writer() for _ in range(6)), *(writer() for _ in range(2)), sealer(), sealer())
    await seal(database, file)
    async with database.transaction() as tx:
        ids = [row[0] for row in await tx.fetch("select audit_id from audit_seal order by position")]
        written = await tx.fetchval("select count(*) from audit")
    assert len(ids) == len(set(ids)) == written
    assert ids != sorted(ids)  # the order of commits, which is not that of ids
    assert (await check(database, file)).sound


async def test_a_sealer_killed_before_the_anchor_heals(ten: Database, file: Anchor, own_settings: Settings) -> None:
    await write(ten, 5)
    program = (
        "import asyncio, asyncpg, os, signal\nfrom kernel import settings\nfrom kernel.audit import anchor, seal\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "anchor.Anchor.append = die\n"
        "async def run():\n"
        " s = settings.current()\n"
        " c = await asyncpg.connect(s.database_url)\n"
        " await seal.Sealer(anchor.anchor(s)).seal_once(c)\n"
        "asyncio.run(run())"
    )
    environment = child_environment(own_settings)
    died = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], env=environment, timeout=60, check=False
    )
    assert died.returncode == -signal.SIGKILL
    last = file.last()
    assert last is not None
    assert last.position == 10
    assert await seal(ten, file) == 0
    assert (file.last() or last).position == 15
    assert (await check(ten, file)).sound


async def test_a_sealer_says_when_the_chain_is_not_the_anchored_one(
    ten: Database, file: Anchor, owner: asyncpg.Connection, lines: Any
) -> None:
    await owner.execute("delete from audit_seal where position > 7")
    await owner.execute("delete from audit where id > 7")
    await write(ten, 1)
    assert await seal(ten, file) == 1  # new rows are sealed all the same
    assert any("not the one that was anchored" in line["event"] for line in lines())
    assert not (await check(ten, file)).sound
