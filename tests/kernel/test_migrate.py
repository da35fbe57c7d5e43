"""Migrations make exactly the schema of schema.sql, once, as the owner, and never wait for ever."""

from kernel.database import Database, Tx


async def test_the_app_connects_as_a_role_that_owns_nothing(tx: Tx) -> None:
    assert await tx.fetchval("select current_user") == "hexad_app"
    owned = await tx.fetchval("select count(*) from pg_class where relowner = current_user::regrole")
    assert owned == 0


async def test_a_transaction_commits(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("insert into probe (id) values (gen_random_uuid())")
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from probe") == 1
