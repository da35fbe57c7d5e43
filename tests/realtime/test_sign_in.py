"""Whose token it is: asked of the database every time."""

import asyncio
import time

import asyncpg
import msgspec
import pytest

from hexad.embedded import Postgres
from identity.principal import LEEWAY_SECONDS, Tokens, open_session
from kernel.errors import NotSignedIn, Unavailable
from kernel.settings import Settings
from kernel.store.database import Database
from realtime.sign_in import SignIn


async def test_principal_and_expiry(database: Database, own_settings: Settings) -> None:
    tokens, before = Tokens(own_settings), time.time()
    async with database.transaction() as tx:
        session_id = await open_session(tx, "investor", "660001", [], "phone", 600)
    token = tokens.issue("investor", "660001", session_id)
    principal, expires = await SignIn(tokens, database, own_settings).of(token, "phone")
    assert (principal.name, principal.session_id) == ("investor:660001", session_id)
    assert before + 599 <= expires - LEEWAY_SECONDS <= time.time() + 600


async def test_a_revocation_counts_at_once(database: Database, own_settings: Settings) -> None:
    tokens = Tokens(own_settings)
    async with database.transaction() as tx:
        session_id = await open_session(tx, "staff", "10086", [], "", 600)
    sign_in, token = SignIn(tokens, database, own_settings), tokens.issue("staff", "10086", session_id)
    await sign_in.of(token, "any")
    async with database.transaction() as tx:
        await tx.execute("update session set revoked_at = now() where id = $1", session_id)
    with pytest.raises(NotSignedIn):
        await sign_in.of(token, "any")


async def test_when_many_reconnect_they_wait_in_line(database: Database, own_settings: Settings) -> None:
    small = msgspec.structs.replace(own_settings, pool_size=2, pool_waiters=0)
    pool = await Database.open(small.database_url, small)
    tokens = Tokens(small)
    async with database.transaction() as tx:
        session_id = await open_session(tx, "staff", "10086", [], "", 600)
    sign_in, token = SignIn(tokens, pool, small), tokens.issue("staff", "10086", session_id)
    answers = await asyncio.gather(*(sign_in.of(token, "") for _ in range(200)))
    assert len(answers) == 200
    await pool.close()


async def test_while_a_migration_has_the_table_nobody_can_tell(database: Database, own_settings: Settings) -> None:
    hasty = msgspec.structs.replace(own_settings, lock_timeout=0.1)
    pool, tokens = await Database.open(hasty.database_url, hasty), Tokens(hasty)
    async with database.transaction() as tx:
        session_id = await open_session(tx, "staff", "10086", [], "", 600)
    migration = await asyncpg.connect(own_settings.owner_url)
    async with migration.transaction():
        await migration.execute("lock table session in access exclusive mode")
        with pytest.raises(Unavailable):
            await SignIn(tokens, pool, hasty).of(tokens.issue("staff", "10086", session_id), "")
    await migration.close()
    await pool.close()


async def test_without_postgresql_nobody_can_tell(
    database: Database, own_settings: Settings, postgres: Postgres
) -> None:
    tokens = Tokens(own_settings)
    async with database.transaction() as tx:
        session_id = await open_session(tx, "staff", "10086", [], "", 600)
    sign_in, token = SignIn(tokens, database, own_settings), tokens.issue("staff", "10086", session_id)
    postgres.stop("immediate")
    try:
        with pytest.raises(Unavailable):
            await sign_in.of(token, "")
    finally:
        postgres.start()
    assert (await sign_in.of(token, ""))[0].subject == "10086"
