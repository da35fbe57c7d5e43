"""Migrations make exactly the schema of schema/tables, once, as the owner, and never wait for ever."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.errors import Misconfigured, Unavailable
from kernel.schema import migrate as module
from kernel.schema.migrate import applied, migrate, migrations
from kernel.settings import Settings
from kernel.store.database import Tx

KNOWN = len(migrations())

DESCRIBED = r"""
select 'table', c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid), c.relrowsecurity, c.relforcerowsecurity
  from pg_class c
  left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'S', 'v', 'm', 'p')
   and c.relname !~ '_[0-9]{4}_[0-9]{2}\Z' -- months, made by functions that are compared; which there are says the day
union all
select 'index', indexname, indexdef, '', null, null, null, null, null from pg_indexes
 where schemaname = 'public' and tablename !~ '_[0-9]{4}_[0-9]{2}\Z'
union all
select 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid), null, null, null, null, null
  from pg_constraint where connamespace = 'public'::regnamespace and conrelid::regclass::text !~ '_[0-9]{4}_[0-9]{2}\Z'
union all
select 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text, null, null, null, null, null
  from pg_trigger
 where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
union all
select 'function', proname, pg_get_functiondef(oid), '', null, null, null, null, null
  from pg_proc where pronamespace = 'public'::regnamespace
union all
select 'policy', policyname, tablename, qual, null, null, with_check, null, null
  from pg_policies
 where schemaname = 'public'
union all
select 'type', typname, typtype::text, '', null, null, null, null, null
  from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
"""


@pytest.fixture
def empty(postgres: Postgres, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """Settings of an empty database of the owner's."""
    name = "empty_" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    postgres.psql("-c", f"create database {name} owner hexad_owner")
    yield msgspec.structs.replace(
        settings, owner_url=postgres.url("hexad_owner", name), database_url=postgres.url("hexad_app", name)
    )
    postgres.psql("-c", f"drop database {name} with (force)")


@pytest.fixture
async def owner(empty: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The owner, connected to the empty database."""
    connection = await asyncpg.connect(empty.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one migration of the test's own, in place of the real ones; a test may add more."""
    (tmp_path / "0001_first.sql").write_text("create table first (id int)")
    real = migrations
    monkeypatch.setattr(module, "migrations", lambda: real(tmp_path))
    return tmp_path


async def described(connection: Tx) -> set[tuple[object, ...]]:
    rows = await connection.fetch(DESCRIBED)
    return {tuple(row) for row in rows}


def schema_text() -> str:
    """What the files say that the migrations make."""
    return "".join(path.read_text() for path in sorted((Path(module.__file__).parent / "tables").glob("*")))


async def differences(owner_tx: Tx, owner: asyncpg.Connection, schema: str) -> set[tuple[object, ...]]:
    """What the migrations make and the schema does not, and the other way round."""
    await owner.execute(schema)
    return await described(owner_tx) ^ await described(owner)


async def test_the_app_connects_as_a_role_that_owns_nothing(tx: Tx) -> None:
    assert await tx.fetchval("select current_user") == "hexad_app"
    owned = await tx.fetchval("select count(*) from pg_class where relowner = current_user::regrole")
    assert owned == 0


async def test_the_migrations_make_what_the_schema_says(owner_tx: Tx, owner: asyncpg.Connection) -> None:
    schema = schema_text()
    assert await differences(owner_tx, owner, schema) == set()


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("kind          text not null,\n    handler ", "kind          text,\n    handler "),
        ("handled     integer not null default 0", "handled     integer not null default 1"),
        ("handled     integer not null default 0", "handled     bigint not null default 0"),
        ("create index outbox_due on outbox (urgent desc, available_at, id);", ""),
        ("alter table idempotency force row level security;", ""),
        ("principal = current_setting('hexad.principal', true)", "true"),
        ("check (attempts >= 0)", "check (attempts >= 1)"),
        ("using errcode = 'insufficient_privilege'", ""),
        ("before update or delete or truncate on audit\n", "before update or truncate on audit\n"),
        ("references role", ""),
        ("create table role (", "create table extra (); create table role ("),
    ],
)
async def test_a_schema_that_differs_is_noticed(owner_tx: Tx, owner: asyncpg.Connection, line: str, other: str) -> None:
    schema = schema_text()
    assert line in schema
    assert await differences(owner_tx, owner, schema.replace(line, other, 1))


async def test_an_empty_database_is_brought_up_once(empty: Settings, owner: asyncpg.Connection) -> None:
    said: list[str] = []
    assert await applied(owner) == 0
    assert await migrate(empty.owner_url, empty, said.append) == KNOWN
    assert await applied(owner) == len(said) == KNOWN
    assert await migrate(empty.owner_url, empty) == 0
    assert await owner.fetchval("select count(*) from role") > 5


async def test_two_at_once_wait_for_one_another(empty: Settings) -> None:
    done = await asyncio.gather(*(migrate(empty.owner_url, empty) for _ in range(4)))
    assert sorted(done) == [0, 0, 0, KNOWN]


async def test_a_failed_migration_leaves_nothing_behind(
    empty: Settings, owner: asyncpg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = prepared(folder)
    (folder / f"{number + 1:04}_breaks.sql").write_text("create table half (id int); select 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty.owner_url, empty)
    assert await applied(owner) == number
    assert await owner.fetchval("select to_regclass('half')") is None


def prepared(folder: Path) -> int:
    """Puts the real migrations before one of the test, so that there are all tables; gives the test's number."""
    (folder / "0001_first.sql").unlink()
    real = sorted((Path(module.__file__).parent / "migrations").glob("*.sql"))
    for path in real:
        (folder / path.name).write_text(path.read_text())
    number = len(real) + 1
    (folder / f"{number:04}_own.sql").write_text("create table own (id int)")
    return number


async def test_an_edited_migration_is_refused_by_its_number(
    empty: Settings, owner: asyncpg.Connection, folder: Path
) -> None:
    number = prepared(folder)
    await migrate(empty.owner_url, empty)
    (folder / f"{number:04}_own.sql").write_text("create table own (id bigint)")
    with pytest.raises(Misconfigured, match=f"migration {number} was edited"):
        await migrate(empty.owner_url, empty)


async def test_a_database_of_a_newer_version_is_refused(
    empty: Settings, owner: asyncpg.Connection, folder: Path
) -> None:
    number = prepared(folder)
    await migrate(empty.owner_url, empty)
    (folder / f"{number:04}_own.sql").unlink()
    with pytest.raises(Misconfigured, match="install the newer"):
        await migrate(empty.owner_url, empty)


@pytest.mark.parametrize("name", ["0003_gap.sql", "0001_double.sql", "2_short.sql", "0002_Loud.sql", "0002.sql"])
def test_numbers_without_gap_or_double(folder: Path, name: str) -> None:
    (folder / name).write_text("select 1")
    with pytest.raises(Misconfigured):
        module.migrations()


async def test_a_table_in_use_is_waited_for_in_bounds(empty: Settings, owner: asyncpg.Connection, folder: Path) -> None:
    number = prepared(folder)
    await migrate(empty.owner_url, empty)
    (folder / f"{number + 1:04}_alters.sql").write_text("alter table own add more int")
    reader = owner.transaction()
    await reader.start()
    await owner.execute("lock table own in access share mode")
    brief = msgspec.structs.replace(empty, migration_lock_timeout=0.2)
    with pytest.raises(Unavailable, match="HEXAD_MIGRATION_LOCK_TIMEOUT"):
        await migrate(empty.owner_url, brief)
    await reader.rollback()
    assert await migrate(empty.owner_url, brief) == 1


async def test_a_migration_that_takes_too_long_is_undone(
    empty: Settings, owner: asyncpg.Connection, folder: Path
) -> None:
    number = prepared(folder)
    (folder / f"{number + 1:04}_slow.sql").write_text("create table slow (id int); select pg_sleep(60)")
    with pytest.raises(Unavailable, match="HEXAD_MIGRATION_STATEMENT_TIMEOUT"):
        await migrate(empty.owner_url, msgspec.structs.replace(empty, migration_statement_timeout=0.5))
    assert await owner.fetchval("select to_regclass('slow')") is None


async def test_another_migration_that_hangs_is_waited_for_in_bounds(empty: Settings, owner: asyncpg.Connection) -> None:
    await owner.execute("select pg_advisory_lock($1)", module._LOCK)
    with pytest.raises(Unavailable, match="another"):
        await migrate(empty.owner_url, msgspec.structs.replace(empty, migration_statement_timeout=0.5))


async def test_nobody_answering_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await migrate(f"postgresql://hexad_owner@/hexad?host={tmp_path}", settings)


async def test_the_app_role_may_not_migrate(empty: Settings) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_OWNER_URL"):
        await migrate(empty.database_url, empty)
