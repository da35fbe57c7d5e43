"""The migration to months keeps every row and whatever refers to it, wherever it lay and whatever it waited for."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from kernel.schema import migrate as module
from kernel.schema import retention
from kernel.schema.migrate import migrate, migrations
from kernel.settings import Settings
from tests.kernel.schema.test_migrate import empty

__all__ = ["empty"]
STATES = ["queued", "sending", "unknown", "sent", "delivered", "undelivered", "expired", "failed", "skipped", "held"]
BEFORE = """
select set_config('hexad.scope', 'company', false);
insert into broadcast (id, kind, template, template_version, purpose, channels, customers, total, started_by,
                       expires_at)
select uuidv7(), 'x', 'care', 1, 'service', '{sms}', '{}', 0, 'staff:1', now() from generate_series(1, 3);
insert into outgoing (id, broadcast_id, customer_id, attempt, channel, state, reason, consent_id, at, content, sent_at)
select uuidv7(make_interval(days => -n)), (array(select id from broadcast order by id))[1 + n % 3], n, n % 6,
       (array['sms', 'email', 'push', 'in_app'])[1 + n % 4], ($1::text[])[1 + n % 10],
       case n % 3 when 0 then 'unreadable' end, nullif(n % 7, 0), now() - n * interval '1 day',
       case when n % 2 = 0 then sha256(n::text::bytea) end, now() - n * interval '23 hours'
  from generate_series(0, 420) as n;
insert into receipt (message_id, gateway, gateway_id, status, at, times, code, problem)
select id, 'g', row_number() over ()::text, 'delivered', at, 2, 'DELIVRD', null from outgoing
union all
select gen_random_uuid(), 'g', n::text, 'rejected', now(), 1, 'x', 'unknown_id' from generate_series(1, 20) as n;
insert into inbound (gateway, gateway_id, at, number, sealed, meaning, digest)
select 'g', n::text, now() - n * interval '3 days', sha256(n::text::bytea), '\\x01', 'other', '\\x02'
  from generate_series(1, 200) as n;
"""
SUMS = {
    "messages": "select count(*), sum(hashtextextended(o::text, 0)::numeric) from outgoing o",
    "receipts": "select count(*), sum(hashtextextended(r::text, 0)::numeric) from receipt r",
    "replies": "select count(*), sum(hashtextextended(i::text, 0)::numeric) from inbound i",
    "receipts of messages": "select count(*) from receipt r join outgoing o on o.id = r.message_id",
    "messages of broadcasts": "select count(*) from outgoing o join broadcast b on b.id = o.broadcast_id",
}
COUNTED = (
    "select broadcast_id, state, reason, sum(messages) from broadcast_count group by 1, 2, 3 having sum(messages) <> 0"
)
COUNTS = "select broadcast_id, state, told_apart(state, reason), count(*) from outgoing group by 1, 2, 3"


@pytest.fixture
async def before(empty: Settings) -> AsyncIterator[asyncpg.Connection]:
    """The owner, in a database just before that migration, with rows of more than a year."""
    connection = await asyncpg.connect(empty.owner_url)
    for one in migrations():
        if one.name == "months":
            break
        await connection.execute(one.sql)
        await module._sql.add(connection, number=one.number, name=one.name, sha256=one.sha256)
    states = "'{" + ",".join(STATES) + "}'"
    await connection.execute(BEFORE.replace("$1", states))
    yield connection
    await connection.close()


async def sums(connection: asyncpg.Connection) -> dict[str, tuple[object, ...]]:
    """What must be the same afterwards."""
    return {name: tuple(await connection.fetchrow(query)) for name, query in SUMS.items()}


async def told(connection: asyncpg.Connection, query: str) -> set[tuple[object, ...]]:
    """The rows of a query."""
    return {tuple(row) for row in await connection.fetch(query)}


async def test_every_row_and_every_reference_is_kept(before: asyncpg.Connection, empty: Settings) -> None:
    was = await sums(before)
    assert was["messages"][0] == was["receipts of messages"][0] == was["messages of broadcasts"][0] == 421
    await migrate(empty.owner_url, empty)
    assert await sums(before) == was
    app = await asyncpg.connect(empty.database_url)
    assert await app.fetchval("select count(*) from outgoing") == 0
    await app.execute("select set_config('hexad.scope', 'company', false)")
    assert await sums(app) == was
    await app.close()
    assert await before.fetchval("select to_regnamespace('put_away')") is None


async def test_rows_lie_in_the_month_of_their_id_or_time_and_months_go_on_ahead(
    before: asyncpg.Connection, empty: Settings
) -> None:
    await migrate(empty.owner_url, empty)
    for query, table in (
        ("select uuid_extract_timestamp(id), tableoid::regclass::text from outgoing", "outgoing"),
        ("select uuid_extract_timestamp(message_id), tableoid::regclass::text from receipt", "receipt"),
        ("select at, tableoid::regclass::text from inbound", "inbound"),
    ):
        rows = await before.fetch(query)
        oldest = await before.fetchval("select min(month at time zone 'UTC') from months_of($1) as month", table)
        places = {(moment, place) for moment, place in rows if moment is not None and moment >= oldest}
        assert {place for _, place in places} == {f"{table}_{moment.astimezone(UTC):%Y_%m}" for moment, _ in places} - (
            {f"{table}_default"}
        )
        assert all(place == f"{table}_{moment.astimezone(UTC):%Y_%m}" for moment, place in places)
        assert {place for moment, place in rows if moment is None or moment < oldest} <= {f"{table}_default"}
        months = [row[0] for row in await before.fetch("select months_of($1) order by 1", table)]
        now: datetime = (await before.fetchval("select now()")).astimezone(UTC)
        first = await before.fetchval("select min(uuid_extract_timestamp(id)) from outgoing")
        since, until = (one.year * 12 + one.month for one in (first.astimezone(UTC), now))
        assert [one.year * 12 + one.month for one in months] == list(range(since, until + retention.AHEAD + 1))


async def test_figures_of_broadcasts_are_right_before_and_after_and_go_on(
    before: asyncpg.Connection, empty: Settings
) -> None:
    await before.execute(
        "delete from broadcast_count where broadcast_id = (select broadcast_id from broadcast_count limit 1)"
    )
    await migrate(empty.owner_url, empty)
    assert await told(before, COUNTED) == await told(before, COUNTS)
    await before.execute("update outgoing set state = 'failed', reason = 'unsendable' where state = 'queued'")
    await before.execute("insert into outgoing (id, broadcast_id, customer_id, channel, state)"
                         " select uuidv7(), id, 1, 'sms', 'queued' from broadcast")  # fmt: skip
    assert await told(before, COUNTED) == await told(before, COUNTS)


async def test_an_empty_database_has_this_month_and_those_ahead(empty: Settings) -> None:
    await migrate(empty.owner_url, empty)
    connection = await asyncpg.connect(empty.owner_url)
    for table in retention.in_months():
        assert await connection.fetchval("select count(*) from months_of($1)", table) == retention.AHEAD + 1
        assert (
            await connection.fetchval("select count(*) from months_missing($1, now(), $2)", table, retention.AHEAD) == 0
        )
    await connection.close()


async def test_migrating_makes_the_months_that_nobody_made_however_much_would_move(empty: Settings) -> None:
    await migrate(empty.owner_url, empty)
    connection = await asyncpg.connect(empty.owner_url)
    await connection.execute("select set_config('hexad.scope', 'company', false)")
    for row in await connection.fetch("select to_char(month, 'YYYY_MM') from months_of('outgoing') as month"):
        await connection.execute(f"drop table outgoing_{row[0]}")
    await connection.execute(
        "insert into outgoing (id, broadcast_id, customer_id, channel, state)"
        " select uuidv7(), uuidv7(), n, 'sms', 'queued' from generate_series(1, 20) as n"
    )
    said: list[str] = []
    await migrate(empty.owner_url, empty, said.append)
    assert said == []
    places = await told(connection, "select tableoid::regclass::text from outgoing")
    assert "outgoing_default" not in {place for (place,) in places}
    assert await connection.fetchval("select count(*) from outgoing") == 20
    await connection.close()
