"""Brings a database to the schema of this version: numbered SQL files, each in one transaction, as the owner role."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import asyncpg
from msgspec import Struct

from kernel.errors import Misconfigured, Unavailable
from kernel.queues import QUEUES
from kernel.schema import retention
from kernel.settings import Settings
from kernel.store.lineage import check_version, connect
from kernel.store.sql import load

_FOLDER = Path(__file__).parent
_LOCK = 0x48455841  # "HEXA": two migrations at once wait for one another
_sql = load(Path(__file__).with_name("migrate.sql"))


class Migration(Struct, frozen=True):
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What is remembered of the file, so that editing an applied one is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(folder: Path = _FOLDER / "migrations") -> list[Migration]:
    """All migrations in order; raises `Misconfigured` when a number is missing or doubled."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
        if not match:
            raise Misconfigured(f"{path.name} is not named NNNN_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text()))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise Misconfigured("the numbers of the migrations have a gap or a double")
    return found


async def applied(connection: asyncpg.Connection) -> int:
    """The number of the last migration in this database, 0 for an empty one."""
    if not await _sql.has_table(connection, name="public.migration"):
        return 0
    return int(await _sql.last(connection))


async def migrate(url: str, settings: Settings, say: Callable[[str], None] = lambda line: None) -> int:
    """Applies what is missing and gives how many that was; raises `Misconfigured` or `Unavailable` with the way out."""
    connection = await connect(url)
    try:
        check_version(connection)
        await _take_turns(connection, settings)
        done = await _apply(connection, say)
        async with connection.transaction():
            await _queues(connection)
            await connection.execute((_FOLDER / "grants.sql").read_text())
        await _months(connection, say)
        return done
    except asyncpg.LockNotAvailableError as error:
        raise Unavailable(
            f"a table was in use for longer than {settings.migration_lock_timeout:g} s, nothing was changed by this"
            " migration: run it again in a quiet moment, or raise HEXAD_MIGRATION_LOCK_TIMEOUT"
        ) from error
    except asyncpg.QueryCanceledError as error:
        raise Unavailable(
            "a migration took too long and was undone: raise HEXAD_MIGRATION_STATEMENT_TIMEOUT"
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(f"HEXAD_OWNER_URL must name the role that owns the database: {error}") from error
    finally:
        await connection.close()


async def _take_turns(connection: asyncpg.Connection, settings: Settings) -> None:
    """Waits for another migration as long as one may take, then for tables only as long as readers can bear."""
    await _sql.limit_statements(connection, milliseconds=f"{settings.migration_statement_timeout * 1000:.0f}")
    try:
        await _sql.take_turns(connection, key=_LOCK)
    except asyncpg.QueryCanceledError as error:
        raise Unavailable("another migration of this database still runs: wait for it, or end it") from error
    await _sql.limit_locks(connection, milliseconds=f"{settings.migration_lock_timeout * 1000:.0f}")


async def _apply(connection: asyncpg.Connection, say: Callable[[str], None]) -> int:
    known = migrations()
    last = await applied(connection)
    if last > len(known):
        raise Misconfigured(
            f"the database is at migration {last}, this version knows {len(known)}: install the newer one"
        )
    if last:
        edited = [
            row["number"]
            for row in await _sql.list_applied(connection)
            if row["sha256"] != known[row["number"] - 1].sha256
        ]
        if edited:
            raise Misconfigured(f"migration {edited[0]} was edited after it was applied: put it back and add a new one")
    for migration in known[last:]:
        say(f"migration {migration.number:04d} {migration.name}")
        async with connection.transaction():
            await connection.execute(migration.sql)
            await _sql.add(connection, number=migration.number, name=migration.name, sha256=migration.sha256)
    return len(known) - last


async def _months(connection: asyncpg.Connection, say: Callable[[str], None]) -> None:
    """Makes the months that are missing, with whatever lies in default partitions meanwhile."""
    for table in retention.in_months():
        if missing := await _sql.make_months(connection, table=table, ahead=retention.AHEAD):
            say(
                f"{table} lacks {missing:%Y-%m}, as it was in use or more are missing: run this again in a quiet moment"
            )


async def _queues(connection: asyncpg.Connection) -> None:
    if not await _sql.has_table(connection, name="pgmq.meta"):
        from pgmq.install import get_embedded_install_sql  # slow to load, and needed once

        await connection.execute(get_embedded_install_sql())
    existing = {row[0] for row in await _sql.list_queues(connection)}
    for queue in QUEUES:
        if queue.table not in existing:
            await _sql.create_queue(connection, queue=queue.table)
    await _sql.vouch_for_receipts(connection)
    await _sql.vouch_for_replies(connection)
