"""Months are made ahead, by whoever may not make a table, and take over what came before them; none is ever dropped."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from hexad.checks import store
from kernel.schema import retention
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import MonthsDue
from tests.workers.runtime.test_job import job
from workers.runtime.job import Jobs

TABLES = ["outgoing", "receipt", "inbound"]
ADD = {
    "outgoing": "insert into outgoing (id, broadcast_id, customer_id, channel, state)"
    " values ($1, $2, 1, 'sms', 'sent')",
    "receipt": "insert into receipt (message_id, gateway, gateway_id, status, at, code)"
    " values ($1, 'g', $2::uuid::text, 'accepted', now(), '')",
    "inbound": "insert into inbound (gateway, gateway_id, at, number, sealed, meaning)"
    " values ('g', $2::uuid::text, $1, '', '', 'other')",
}
BROADCAST = UUID(int=1)


def first_of(moment: datetime, later: int = 0) -> datetime:
    """The first moment of a month of UTC, so many months later."""
    months = moment.astimezone(UTC).year * 12 + moment.astimezone(UTC).month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def uuid7(moment: datetime, tail: int | None = None) -> UUID:
    """One made at that millisecond, put together by hand."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    bits = random.getrandbits(74) if tail is None else tail
    return UUID(int=milliseconds << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1)


def key(table: str, moment: datetime) -> UUID | datetime:
    """What says the month of a row."""
    return moment if table == "inbound" else uuid7(moment)


@pytest.fixture
async def owner(own_settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The owner, who sees what the system sees."""
    connection = await asyncpg.connect(own_settings.owner_url)
    await connection.execute("select set_config('hexad.scope', 'company', false)")
    yield connection
    await connection.close()


@pytest.fixture
async def app(own_settings: Settings, owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The app, which owns nothing."""
    connection = await asyncpg.connect(own_settings.database_url)
    await connection.execute("select set_config('hexad.scope', 'company', false)")
    yield connection
    await connection.close()


async def months(connection: asyncpg.Connection, table: str) -> list[date]:
    """The months that a table has."""
    return [row[0].date() for row in await connection.fetch("select months_of($1) order by 1", table)]


async def where(connection: asyncpg.Connection, table: str) -> dict[str, int]:
    """How many rows lie in which part."""
    return dict(await connection.fetch(f"select tableoid::regclass::text, count(*) from {table} group by 1"))


async def drop(connection: asyncpg.Connection, table: str, keep: int = 0) -> None:
    """Takes the months away, but for the oldest ones, as if nobody had made any for long."""
    for month in (await months(connection, table))[keep:]:
        await connection.execute(f"drop table {table}_{month:%Y_%m}")


async def test_ids_are_in_the_month_in_which_they_were_made_whatever_the_zone_of_the_session(
    owner: asyncpg.Connection,
) -> None:
    seconds = (datetime(2100, 1, 1, tzinfo=UTC) - datetime(1971, 1, 1, tzinfo=UTC)).total_seconds()
    moments = [datetime(1971, 1, 1, tzinfo=UTC) + timedelta(seconds=random.random() * seconds) for _ in range(400)]
    turns = [first_of(moment) for moment in moments]
    moments += turns + [turn - timedelta(milliseconds=1) for turn in turns]
    for zone in ("UTC", "Asia/Shanghai", "America/Los_Angeles"):
        await owner.execute(f"set timezone = '{zone}'")
        found = await owner.fetch("select first_id(at) from unnest($1::timestamptz[]) as at", moments)
        assert [row[0] for row in found] == [UUID(int=uuid7(moment).int >> 80 << 80) for moment in moments]
        firsts = [first_of(moment) for moment in moments] + [first_of(moment, 1) for moment in moments]
        bounds = [
            row[0] for row in await owner.fetch("select first_id(at) from unnest($1::timestamptz[]) as at", firsts)
        ]
        for moment, low, high in zip(moments, bounds, bounds[len(moments) :], strict=False):
            assert low <= uuid7(moment, 0) <= uuid7(moment, (1 << 74) - 1) < high


@pytest.mark.parametrize("table", TABLES)
async def test_rows_at_the_turn_of_a_month_lie_on_its_two_sides(
    app: asyncpg.Connection, owner: asyncpg.Connection, table: str
) -> None:
    now = await app.fetchval("select now()")
    for zone in ("Asia/Shanghai", "America/Los_Angeles"):
        await app.execute(f"set timezone = '{zone}'")
        await app.execute("begin")
        for later in (1, 2):
            turn = first_of(now, later)
            await app.execute(ADD[table], key(table, turn - timedelta(milliseconds=1)), BROADCAST)
            await app.execute(ADD[table], key(table, turn), BROADCAST)
        parts = [f"{table}_{first_of(now, later):%Y_%m}" for later in (0, 1, 2)]
        assert await where(app, table) == dict(zip(parts, (1, 2, 1), strict=True))
        await app.execute("rollback")


@pytest.mark.parametrize("table", TABLES)
async def test_a_month_that_nobody_made_takes_rows_and_is_made_with_them_in_it(
    app: asyncpg.Connection, owner: asyncpg.Connection, table: str, jobs: Jobs
) -> None:
    now = await app.fetchval("select now()")
    await drop(owner, table)
    for days, later in enumerate((0, 0, 1, 2)):
        await app.execute(ADD[table], key(table, first_of(now, later) + timedelta(days=days)), BROADCAST)
    far = key(table, first_of(now, 60))
    await app.execute(ADD[table], far, BROADCAST)
    before = await app.fetch(f"select md5({table}::text) from {table} order by 1")
    counts = await app.fetch("select state, sum(messages) from broadcast_count group by 1")
    assert await where(app, table) == {f"{table}_default": 5}
    assert await jobs.do(job(MonthsDue(table=table), "make_months")) == "done"
    parts = [f"{table}_{first_of(now, later):%Y_%m}" for later in (0, 1, 2)]
    assert await where(app, table) == {**dict(zip(parts, (2, 1, 1), strict=True)), f"{table}_default": 1}
    assert await months(app, table) == [first_of(now, later).date() for later in range(retention.AHEAD + 1)]
    assert await app.fetch(f"select md5({table}::text) from {table} order by 1") == before
    assert await app.fetch("select state, sum(messages) from broadcast_count group by 1") == counts
    assert await jobs.do(job(MonthsDue(table=table), "make_months")) == "done"
    assert len(await months(app, table)) == retention.AHEAD + 1


async def test_what_was_missed_for_long_is_made_a_few_months_at_a_time_until_nothing_is_missing(
    app: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    now = await app.fetchval("select now()")
    await drop(owner, "outgoing", keep=1)
    later = first_of(now, 14)
    for _ in range(3):
        assert await app.fetchval("select make_months('outgoing', $1, 3, 100)", later) is None
    assert await months(app, "outgoing") == [first_of(now, one).date() for one in range(14 + 3 + 1)]


async def test_more_than_can_be_moved_in_passing_stays_where_it_is_read_until_the_owner_migrates(
    app: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    now = await app.fetchval("select now()")
    await drop(owner, "outgoing")
    for _ in range(3):
        await app.execute(ADD["outgoing"], uuid7(now), BROADCAST)
    assert await app.fetchval("select make_months('outgoing', now(), 3, 2)") == first_of(now).date()
    assert await months(app, "outgoing") == []
    assert await app.fetchval("select count(*) from outgoing") == 3
    assert await owner.fetchval("select make_months('outgoing', now(), 3, null)") is None
    assert await where(app, "outgoing") == {f"outgoing_{now.astimezone(UTC):%Y_%m}": 3}
    unforced = (
        "select count(*) from pg_class"
        " where relname ~ '^outgoing' and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity)"
    )
    assert await app.fetchval(unforced) == 0


async def test_a_table_in_use_is_left_alone_and_its_users_go_on(
    app: asyncpg.Connection, owner: asyncpg.Connection, own_settings: Settings
) -> None:
    await drop(owner, "outgoing")
    busy = await asyncpg.connect(own_settings.database_url)
    await busy.execute("begin")
    await busy.fetch("select count(*) from outgoing")
    now = await app.fetchval("select now()")
    assert await app.fetchval("select make_months('outgoing', now(), 3, 100)") == first_of(now).date()
    await busy.execute("select set_config('hexad.scope', 'company', true)")
    await busy.execute(ADD["outgoing"], uuid7(now), BROADCAST)
    await busy.execute("commit")
    await busy.close()
    assert await app.fetchval("select make_months('outgoing', now(), 3, 100)") is None
    assert await where(app, "outgoing") == {f"outgoing_{now.astimezone(UTC):%Y_%m}": 1}


async def test_two_who_make_months_at_once_make_each_once(
    app: asyncpg.Connection, owner: asyncpg.Connection, own_settings: Settings
) -> None:
    await drop(owner, "receipt")
    other = await asyncpg.connect(own_settings.database_url)
    made = "select make_months('receipt', now(), 3, 100)"
    assert list(await asyncio.gather(app.fetchval(made), other.fetchval(made))) == [None, None]
    await other.close()
    assert len(await months(app, "receipt")) == 4


async def test_the_app_makes_months_and_nothing_else(app: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("create table outgoing_2020_01 partition of outgoing default")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.fetchval("select make_month('outgoing', '2020-01-01', null)")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await app.fetchval("select make_months('audit', now(), 3, null)")


async def test_by_its_own_name_a_month_shows_nobody_anything(
    app: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    now = await app.fetchval("select now()")
    await app.execute(ADD["outgoing"], uuid7(now), BROADCAST)
    part = next(iter(await where(app, "outgoing")))
    await owner.execute(f"grant select on {part} to hexad_app")
    assert await app.fetchval(f"select count(*) from {part}") == 0
    assert await app.fetchval("select count(*) from outgoing") == 1
    await app.execute("select set_config('hexad.scope', 'none', false)")
    assert await app.fetchval("select count(*) from outgoing") == 0


async def test_a_month_that_has_outlived_its_window_is_named_and_kept(
    app: asyncpg.Connection, owner: asyncpg.Connection, jobs: Jobs, database: Database, own_settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    now = await app.fetchval("select now()")
    for later in range(-26, 0):
        await owner.fetchval("select make_month('outgoing', $1, null)", first_of(now, later).replace(tzinfo=None))
    old = uuid7(first_of(now, -26) + timedelta(days=3))
    await app.execute(ADD["outgoing"], old, BROADCAST)
    assert await jobs.do(job(MonthsDue(table="outgoing"), "make_months")) == "done"
    assert await app.fetchval("select count(*) from outgoing where id = $1", old) == 1
    assert len(await months(app, "outgoing")) == 26 + retention.AHEAD + 1
    async with database.transaction() as tx:
        finding = {one.part: one async for one in store.examine(tx, own_settings)}["months"]
    first, last = (f"{first_of(now, later):%Y-%m}" for later in (-26, -25))
    assert finding.state == "ok"
    assert finding.says.endswith(f"kept, as the lake does not exist yet: outgoing {first} to {last}")


async def test_a_month_that_is_missing_is_told_by_the_doctor(
    app: asyncpg.Connection, owner: asyncpg.Connection, database: Database, own_settings: Settings
) -> None:
    now = await app.fetchval("select now()")
    await drop(owner, "inbound", keep=1)
    async with database.transaction() as tx:
        finding = {one.part: one async for one in store.examine(tx, own_settings)}["months"]
    assert (finding.state, finding.says) == (
        "warn", f"what belongs to inbound {first_of(now, 1):%Y-%m} lies in the default partition",
    )  # fmt: skip
    assert "hexad migrate" in (finding.mend or "")
