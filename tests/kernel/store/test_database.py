"""The pool waits in bounds, refuses when it cannot, gives connections back clean, and outlives PostgreSQL."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.errors import Overloaded, Unavailable
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.lineage import connect


@pytest.fixture
def small(own_settings: Settings) -> Settings:
    """A pool of two with room for three who wait a fifth of a second."""
    return msgspec.structs.replace(own_settings, pool_size=2, pool_wait=0.2, pool_waiters=3)


@pytest.fixture
async def pool(small: Settings) -> AsyncIterator[Database]:
    """That pool."""
    database = await Database.open(small.database_url, small)
    yield database
    await database.close()


async def test_no_database_is_taken_that_nobody_named(settings: Settings) -> None:
    with pytest.raises(Unavailable, match="no database is named"):
        await Database.open("", settings)
    with pytest.raises(Unavailable, match="no database is named"):
        await connect("")


async def hold(database: Database, until: asyncio.Event) -> None:
    async with database.transaction() as tx:
        await tx.fetchval("select 1")
        await until.wait()


async def exhausted(database: Database, waiting: int = 0) -> None:
    """Ends when no connection is free and so many wait for one."""
    async with asyncio.timeout(60):
        while (database.free, database.waiting) != (0, waiting):
            await asyncio.sleep(0)


async def test_who_waits_too_long_is_told(pool: Database) -> None:
    until = asyncio.Event()
    holders = [asyncio.create_task(hold(pool, until)) for _ in range(2)]
    await exhausted(pool)
    begun = time.monotonic()
    async with asyncio.timeout(60):
        with pytest.raises(Overloaded):
            await hold(pool, until)
    assert time.monotonic() - begun > 0.15, "it waited for its turn first"
    until.set()
    await asyncio.gather(*holders)
    assert (pool.free, pool.waiting) == (2, 0)


async def test_when_the_queue_is_full_one_is_told_at_once(small: Settings) -> None:
    database = await Database.open(small.database_url, msgspec.structs.replace(small, pool_wait=60.0))
    until = asyncio.Event()
    held = [asyncio.create_task(hold(database, until)) for _ in range(5)]
    await exhausted(database, waiting=3)
    with pytest.raises(Overloaded, match="queue"):  # those who wait in it would be told something else
        await hold(database, until)
    until.set()
    await asyncio.gather(*held)  # those who waited had their turn
    assert database.waiting == 0
    await database.close()


async def test_who_stops_waiting_leaves_the_queue(pool: Database) -> None:
    until = asyncio.Event()
    held = [asyncio.create_task(hold(pool, until)) for _ in range(2)]
    await exhausted(pool)
    impatient = asyncio.create_task(hold(pool, until))
    await exhausted(pool, waiting=1)
    impatient.cancel()
    await asyncio.wait([impatient])
    assert pool.waiting == 0
    until.set()
    await asyncio.gather(*held)
    assert pool.free == 2


async def test_an_error_rolls_back_and_frees_the_connection(pool: Database) -> None:
    async def fail() -> None:
        async with pool.transaction() as tx:
            await tx.execute("insert into probe (id) values (gen_random_uuid())")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with pool.transaction() as tx:
        assert await tx.fetchval("select count(*) from probe") == 0
    assert pool.free == 2


async def test_a_connection_comes_back_without_an_open_transaction(small: Settings) -> None:
    one = await Database.open(small.database_url, small, size=1)
    async with one.connection() as connection:
        await connection.execute("begin")
        await connection.execute("select set_config('hexad.principal', 'staff:1', true)")
    async with one.connection() as connection:
        assert not connection.is_in_transaction()
        assert not await connection.fetchval("select current_setting('hexad.principal', true)")
    await one.close()


async def test_connections_have_time_limits_and_beijing_time(own_settings: Settings) -> None:
    limits = msgspec.structs.replace(own_settings, statement_timeout=0.4, lock_timeout=0.1)
    database = await Database.open(limits.database_url, limits)

    async def ask(statement: str) -> None:
        async with database.transaction() as tx:
            await tx.execute(statement)

    with pytest.raises(asyncpg.QueryCanceledError):
        await ask("select pg_sleep(20)")
    await ask("insert into probe (id) values (gen_random_uuid())")
    async with database.transaction() as tx:
        assert await tx.fetchval("show timezone") == "Asia/Shanghai"
        await tx.execute("update probe set handled = 1")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await ask("update probe set handled = 2")
    await database.close()


async def test_an_address_where_nobody_answers_is_unavailable(own_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await Database.open(f"postgresql://hexad_app@/hexad?host={tmp_path}", own_settings)


async def test_closing_does_not_wait_for_who_never_ends(small: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await Database.open(small.database_url, small)
    held = asyncio.create_task(hold(database, asyncio.Event()))
    while database.free == 2:
        await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await database.close()
    held.cancel()
    await asyncio.wait([held])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, which it may stop."""
    server = Postgres(tmp_path / "postgres")
    server.start()
    server.prepare()
    yield server
    server.stop("immediate")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_the_pool_outlives_a_restart_of_postgresql(cluster: Postgres, settings: Settings, mode: str) -> None:
    url = cluster.url("hexad_app")
    database = await Database.open(url, settings, minimum=3)

    async def ask() -> int:
        async with database.transaction() as tx:
            return int(await tx.fetchval("select 1"))

    assert await ask() == 1
    held = asyncio.create_task(hold(database, asyncio.Event()))
    while database.free == settings.pool_size:
        await asyncio.sleep(0)
    await asyncio.to_thread(cluster.stop, mode)
    for _ in range(12):  # more than there are stale connections
        async with asyncio.timeout(60):
            with pytest.raises(Unavailable):
                await ask()
    held.cancel()
    await asyncio.wait([held])
    await asyncio.to_thread(cluster.start)
    assert await asyncio.gather(*(ask() for _ in range(20))) == [1] * 20
    assert (database.free, database.waiting) == (settings.pool_size, 0)
    await database.close()


async def test_a_connection_lost_in_mid_use_is_unavailable(pool: Database, postgres: Postgres) -> None:
    async def lose() -> None:
        async with pool.transaction() as tx:
            pid = await tx.fetchval("select pg_backend_pid()")
            await asyncio.to_thread(postgres.psql, "-c", f"select pg_terminate_backend({pid})")
            await tx.fetchval("select 1")

    with pytest.raises(Unavailable):
        await lose()
    async with pool.transaction() as tx:
        assert await tx.fetchval("select 1") == 1


async def test_a_wrong_argument_is_not_taken_for_an_outage(pool: Database) -> None:
    async def ask() -> None:
        async with pool.transaction() as tx:
            await tx.fetchval("select $1::int", 10**30)

    with pytest.raises(asyncpg.DataError, match="int32"):
        await ask()


@pytest.mark.parametrize("within", ["connection", "transaction"])
async def test_a_connection_that_asyncpg_has_spoilt_is_thrown_away(pool: Database, within: str) -> None:
    pids: list[int] = []

    async def spoil() -> None:
        async with getattr(pool, within)() as connection:
            pids.append(await connection.fetchval("select pg_backend_pid()"))
            raise asyncpg.InternalClientError("cannot switch to state 12; another operation (4) is in progress")

    for _ in range(3):
        with pytest.raises(Unavailable):
            await spoil()
    assert len(set(pids)) == 3
    assert pool.free == 2


async def ask_in_time(database: Database, seconds: float, pids: list[int]) -> None:
    """Stops the backend that it asks, and waits for its answer."""
    async with asyncio.timeout(seconds), database.transaction() as tx:
        pids.append(await tx.fetchval("select pg_backend_pid()"))
        os.kill(pids[-1], signal.SIGSTOP)
        await tx.fetchval("select 1")


async def test_who_gives_up_on_a_postgresql_that_has_stopped_does_not_wait_for_it(pool: Database) -> None:
    pids: list[int] = []
    try:
        async with asyncio.timeout(20):  # the backend never goes on by itself
            for _ in range(3):  # more than the pool has
                with pytest.raises(TimeoutError):
                    await ask_in_time(pool, 0.3, pids)
            async with pool.transaction() as tx:
                assert await tx.fetchval("select 1") == 1
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert len(set(pids)) == 3


async def test_who_is_cancelled_while_postgresql_has_stopped_ends_as_cancelled(pool: Database) -> None:
    pids: list[int] = []
    asking = asyncio.create_task(ask_in_time(pool, 60, pids))
    try:
        async with asyncio.timeout(20):
            while not pids:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.wait([asking])
    finally:
        os.kill(pids[0], signal.SIGCONT)
    assert asking.cancelled()
