"""Row-level security holds even where a query forgets its scope, and the app cannot loosen it."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from kernel.security import scope
from kernel.security.scope import Principal, Reach, Reads, Scope
from kernel.settings import Settings
from kernel.store.database import Database, Tx

ANNA = Scope(
    principal=Principal(audience="staff", subject="1", session_id=uuid4(), device_id="d1"),
    reach=Reach(kind="own", employees=(1,)), request_id="r1",
)  # fmt: skip
BERT = Scope(
    principal=Principal(audience="staff", subject="2", session_id=uuid4(), device_id="d2"),
    reach=Reach(kind="own", employees=(2,)),
)  # fmt: skip
FORGETFUL = "select count(*) from idempotency"
ADD = "insert into idempotency (key, request, status, headers, body) values ('k', '', 200, '{}', '')"


async def test_a_query_that_forgets_its_scope_sees_only_its_own(tx: Tx) -> None:
    await scope.apply(tx, ANNA)
    await tx.execute(ADD)
    assert await tx.fetchval(FORGETFUL) == 1
    await scope.apply(tx, BERT)
    assert await tx.fetchval(FORGETFUL) == 0
    assert await tx.execute("update idempotency set status = 500") == "UPDATE 0"
    assert await tx.execute("delete from idempotency") == "DELETE 0"
    await tx.execute(ADD)  # the same key of another principal is another key
    await scope.apply_system(tx, "job")
    assert await tx.fetchval(FORGETFUL) == 0


async def test_without_a_scope_nothing_is_seen_or_written(tx: Tx) -> None:
    assert await tx.fetchval(FORGETFUL) == 0
    with pytest.raises(asyncpg.PostgresError):
        await tx.execute(ADD)


async def test_nor_on_a_connection_that_had_one_before(own_settings: Settings) -> None:
    connection = await asyncpg.connect(own_settings.database_url)
    async with connection.transaction():
        await scope.apply(connection, ANNA)
        await connection.execute(ADD)
    assert await connection.fetchval(FORGETFUL) == 0
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute(ADD)
    await connection.close()


async def test_what_a_reader_left_on_a_connection_is_nobody_elses(own_settings: Settings) -> None:
    database = await Database.open(own_settings.database_url, own_settings, size=1)
    async with database.transaction() as tx:
        await scope.apply(tx, ANNA)
        await tx.execute(ADD)
    anna, bert = Reads(database, ANNA), Reads(database, BERT)
    for _ in range(2):
        assert await anna.fetchval(FORGETFUL) == 1
        assert await bert.fetchval(FORGETFUL) == 0
        assert [row[0] for row in await anna.fetch(FORGETFUL)] == [1]
        async with database.connection() as connection:
            assert await connection.fetchval(FORGETFUL) == 0
        assert (await anna.fetchrow(FORGETFUL) or [0])[0] == 1
        async with database.transaction() as tx:
            assert await tx.fetchval(FORGETFUL) == 0
            await scope.apply(tx, BERT)
            await tx.execute("delete from idempotency")  # and it can write again
    await database.close()


async def test_a_scope_that_was_not_set_to_the_end_is_set_again(own_settings: Settings) -> None:
    database = await Database.open(own_settings.database_url, own_settings, size=1)
    who = (ANNA.principal, ANNA.reach)

    async def broken_off(tx: Tx) -> None:
        await tx.execute("select set_config('hexad.principal', 'staff:2', false)")
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        async with database.reading(who, broken_off):
            pass
    assert await Reads(database, ANNA).fetchval("select current_setting('hexad.principal')") == "staff:1"
    await database.close()


async def test_a_scope_whose_unsetting_was_broken_off_is_set_again(
    own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(own_settings.database_url, own_settings, size=1)
    anna, reset = Reads(database, ANNA), asyncpg.Connection.reset

    async def broken_off(connection: asyncpg.Connection) -> None:
        await reset(connection)
        raise asyncio.CancelledError

    assert await anna.fetchval("select current_setting('hexad.principal')") == "staff:1"
    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "reset", broken_off)
        with pytest.raises(asyncio.CancelledError):
            async with database.connection():
                pass
    assert await anna.fetchval("select current_setting('hexad.principal')") == "staff:1"
    await database.close()


async def test_reading_cannot_write(own_settings: Settings) -> None:
    database = await Database.open(own_settings.database_url, own_settings, size=1)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await Reads(database, ANNA).fetchval(f"{ADD} returning 1")
    await database.close()


async def test_nobody_writes_in_the_name_of_another(tx: Tx) -> None:
    await scope.apply(tx, ANNA)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await tx.execute(ADD.replace("(key,", "(principal, key,").replace("('k',", "('staff:2', 'k',"))


async def test_force_holds_the_owner_too(owner_tx: Tx) -> None:
    await owner_tx.execute("create table thrown_away (owner_id int)")
    await owner_tx.execute("insert into thrown_away values (1), (2)")
    await owner_tx.execute(
        "create policy own on thrown_away using (owner_id = any (reached('hexad.employees', 'own')))"
    )
    await owner_tx.execute("alter table thrown_away enable row level security")
    await scope.apply(owner_tx, ANNA)
    assert await owner_tx.fetchval("select count(*) from thrown_away") == 2  # without FORCE the owner sees all
    await owner_tx.execute("alter table thrown_away force row level security")
    assert await owner_tx.fetchval("select array_agg(owner_id) from thrown_away") == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "alter table idempotency disable row level security",
        "alter table idempotency no force row level security",
        "drop policy own on idempotency",
        "create policy all_of_it on idempotency using (true)",
        "alter role hexad_app bypassrls",
        "set role hexad_owner",
        "set session authorization hexad_owner",
        "create table mine (id int)",
        "create schema mine",
        "create function mine() returns int language sql as 'select 1'",
        "update audit set reason = null",
        "insert into audit (action, noun, noun_id, at) values ('a', 'b', 'c', '2020-01-01')",
        "insert into audit (action, noun, noun_id, principal) values ('a', 'b', 'c', 'staff:2')",
        "delete from audit",
        "truncate audit",
        "update audit_seal set hash = ''",
        "delete from audit_seal",
        "alter table audit disable trigger all",
        "set session_replication_role = replica",
        "delete from customer",  # what others refer to is ended, never deleted
        "delete from employee",
        "delete from unit",
        "update migration set sha256 = ''",
        "copy probe to program 'true'",
        "select pg_read_file('/etc/passwd')",
    ],
)
async def test_the_app_may_not(tx: Tx, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await tx.execute(statement)


async def test_the_row_security_setting_gives_an_error_and_no_rows(tx: Tx) -> None:
    await tx.execute("set local row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await tx.fetchval(FORGETFUL)


async def test_every_table_with_a_policy_forces_it(tx: Tx) -> None:
    loose = await tx.fetch(
        "select relname from pg_class where relrowsecurity and not relforcerowsecurity"
        " union select tablename::text from pg_policies p join pg_class c on c.relname = p.tablename"
        " where not c.relrowsecurity"
    )
    assert loose == []


async def test_the_scope_ends_with_the_transaction_and_stands_in_the_audit_log(own_settings: Settings) -> None:
    connection = await asyncpg.connect(own_settings.database_url)
    async with connection.transaction():
        await scope.apply(connection, ANNA)
        await connection.execute("insert into audit (action, noun, noun_id) values ('read', 'customer', '1')")
        await scope.apply_system(connection, "housekeeping")
        await connection.execute("insert into audit (action, noun, noun_id) values ('delete', 'customer', '1')")
    await connection.execute("insert into audit (action, noun, noun_id) values ('forget', 'customer', '1')")
    rows = await connection.fetch("select principal, session_id, device_id, request_id from audit order by id")
    assert [tuple(row) for row in rows] == [
        ("staff:1", str(ANNA.principal.session_id), "d1", "r1"),
        ("system:housekeeping", "", "", ""),
        ("system:unknown", "", "", ""),
    ]
    await connection.close()


async def looked_after(tx: Tx) -> None:
    """Writes a customer whom Anna serves and Bert developed."""
    await scope.apply_system(tx, "test", kind="company")
    customer, unit = await tx.fetchrow(
        "insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on,"
        " status, investor_kind, source, digest) select 'V1', '王', 'individual', 'id', '', '', '', id, '2020-01-01',"
        " 'normal', 'ordinary', 'counter', '' from unit where kind = 'company' returning id, branch_id"
    ) or (0, 0)
    people = await tx.fetch(
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
        " select no, no, $1, 'broker', '2020-01-01', 'hr', '' from unnest(array ['Anna', 'Bert']) as no returning id",
        unit,
    )  # fmt: skip
    for kind, (employee,) in zip(("service", "develop"), people, strict=True):
        await tx.execute(
            "insert into relation (customer_id, employee_id, kind, share, valid_from, branch_id, source, digest)"
            " values ($1, $2, $3, 1, '2020-01-01', $4, 'counter', '')",
            customer, employee, kind, unit,
        )  # fmt: skip


async def test_a_forgetful_query_on_the_view_sees_what_the_relations_allow(tx: Tx) -> None:
    await looked_after(tx)
    seen = "select array_agg(e.employee_no) from looked_after l join employee e on e.id = l.employee_id"
    for name in ("Anna", "Bert"):
        employee = await tx.fetchval("select id from employee where employee_no = $1", name)
        reach = Reach(kind="own", employees=(employee,))
        await scope.apply(tx, Scope(principal=ANNA.principal, reach=reach))
        assert await tx.fetchval(seen) == [name]
    await scope.apply_system(tx, "test")
    assert await tx.fetchval(seen) is None


async def test_the_owner_sees_no_customer_in_its_own_name(owner_tx: Tx) -> None:
    await looked_after(owner_tx)
    assert await owner_tx.fetchval("select count(*) from customer") == 1
    for who in (ANNA, BERT):
        await scope.apply(owner_tx, who)
        for table in ("customer", "looked_after"):
            assert await owner_tx.fetchval(f"select count(*) from {table}") == 0


async def test_every_view_asks_as_who_asks_it_or_has_a_lock_that_is_known(tx: Tx) -> None:
    views = await tx.fetch(
        "select relname::text from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
        " and not coalesce(reloptions && array['security_invoker=true', 'security_invoker=on'], false)"
    )
    assert [row[0] for row in views] == ["looked_after"]
