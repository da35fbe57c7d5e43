"""A brokerage of any size in a database of its own, made by SQL and kept for the next run."""

import asyncio
import contextlib
import hashlib
import math
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from msgspec import Struct

import kernel.schema.migrate
from hexad.demo import words
from hexad.embedded import Postgres
from kernel.schema.migrate import migrate
from kernel.settings import Settings
from kernel.settings.keys import key
from kernel.store.sql import load

Tell = Callable[[int, int], None]
BRANCHES, REGIONS, CUSTOMERS_EACH, TEAM = 80, 8, 750, 10
READER = "hexad_bench"
"""A role that reads past row-level security, for the floor and the peer."""

_PART = 100_000
_FAMILY, _GIVEN = "".join(words.FAMILY[:100]), "".join(words.FEMALE) + "".join(words.MALE)
_FILE = Path(__file__).with_name("brokerage.sql")
_sql = load(_FILE)


class Customer(Struct, frozen=True):
    """A customer as a broker of theirs looks for them; `employee` is the broker's database id."""

    employee: int
    customer_no: str
    name: str
    mobile: str


class Broker(Struct, frozen=True):
    """A broker with some of their customers."""

    id: int
    employee_no: str
    customers: list[Customer]


def started(folder: Path) -> Postgres:
    """A PostgreSQL in that folder that keeps a quarter of the machine's memory as its own, as one of its own would."""
    server = Postgres(folder / "postgres")
    server.start()
    wanted = psutil.virtual_memory().total // 4 >> 20
    if server.psql("-c", "select setting::bigint / 128 from pg_settings where name = 'shared_buffers'") != str(wanted):
        server.psql("-c", f"alter system set shared_buffers = '{wanted}MB'")
        server.stop()
        server.start()
    return server


async def filled(server: Postgres, settings: Settings, customers: int, tell: Tell) -> str:
    """The name of a database with so many customers, made unless it is there; fed by the settings' index key."""
    name, state = f"bench_{customers}", _state(settings, customers)
    async with _superuser(server, "postgres") as connection:
        if await _sql.made_from(connection, database=name) == state:
            return name
    await asyncio.to_thread(server.psql, "-c", f"drop database if exists {name} with (force)")
    await asyncio.to_thread(server.prepare, name)
    await migrate(server.url("hexad_owner", name), settings)
    async with _superuser(server, name) as connection:
        await _people(connection, max(1, math.ceil(customers / CUSTOMERS_EACH)))
        await _customers(connection, customers, settings, tell)
        await _reader(connection)
    server.psql("-c", f"comment on database {name} is '{state}'")
    return name


async def brokers(server: Postgres, database: str, size: int, each: int) -> list[Broker]:
    """Some brokers, spread over the house, with `each` of their customers."""
    async with _superuser(server, database) as connection:
        staff = await _sql.staff(connection, size=size)
        rows = await _sql.looked_after(connection, employees=[one["id"] for one in staff], each=each)
    known: dict[int, list[Customer]] = {}
    for employee, *rest in rows:
        known.setdefault(employee, []).append(Customer(employee, *map(str, rest)))
    return [Broker(one["id"], one["employee_no"], known[one["id"]]) for one in staff if one["id"] in known]


async def _people(connection: asyncpg.Connection, count: int) -> None:
    await _sql.add_regions(connection, regions=REGIONS)
    await _sql.add_branches(connection, branches=BRANCHES, regions=REGIONS)
    await _sql.add_teams(connection, teams=math.ceil(count / TEAM), branches=BRANCHES)
    await _sql.add_brokers(connection, brokers=count, family=_FAMILY, given=_GIVEN)
    await _sql.add_leaders(connection, brokers=count)
    await _sql.assign(connection)


async def _customers(connection: asyncpg.Connection, count: int, settings: Settings, tell: Tell) -> None:
    """Without the checks of foreign keys, and with the indexes made at the end: it is our own data, and fresh."""
    await connection.execute("set session_replication_role = replica; set maintenance_work_mem = '512MB'")
    inner, outer = _pads(key("HEXAD_INDEX_KEY", settings.index_key))
    staff = max(1, math.ceil(count / CUSTOMERS_EACH))
    names: dict[str, Any] = {"family": _FAMILY, "given": _GIVEN, "inner_key": inner, "outer_key": outer}
    indexes = await _sql.indexes(connection)
    for index in indexes:
        await connection.execute(f"drop index {index['name']}")
    for first in range(1, count + 1, _PART):
        part = {"first": first, "last": min(first + _PART - 1, count)}
        await _sql.add_customers(connection, **part, brokers=staff, **names)
        await _sql.add_relations(connection, **part, brokers=staff)
        await _sql.add_accounts(connection, **part)
        tell(part["last"], count)
    for index in indexes:
        await connection.execute(index["definition"], timeout=None)
    await _sql.sequences(connection)
    await connection.execute("vacuum analyze", timeout=None)
    await connection.execute("checkpoint", timeout=None)  # what was written here is not to be flushed beside a load


async def _reader(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval("select 1 from pg_roles where rolname = $1", READER):
        await connection.execute(f"create role {READER} login bypassrls")
    await connection.execute(
        f"grant usage on schema public to {READER}; grant select on all tables in schema public to {READER}"
    )


def _pads(secret: bytes) -> tuple[bytes, bytes]:
    """The two keys that HMAC-SHA-256 (RFC 2104) puts before what it hashes, so that SQL can do it."""
    padded = secret.ljust(64, b"\0")
    return bytes(one ^ 0x36 for one in padded), bytes(one ^ 0x5C for one in padded)


def _state(settings: Settings, customers: int) -> str:
    """What a database was made from: another schema, filling or key makes another one."""
    migrations = sorted(Path(kernel.schema.migrate.__file__).parent.rglob("*.sql"))
    parts = [path.read_bytes() for path in (*migrations, _FILE)]
    return f"{customers} {hashlib.sha256(b''.join([*parts, settings.index_key.encode()])).hexdigest()}"


@contextlib.asynccontextmanager
async def _superuser(server: Postgres, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url("postgres", database), server_settings={"timezone": "Asia/Shanghai"})
    try:
        yield connection
    finally:
        await connection.close()
