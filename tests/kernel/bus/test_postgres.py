"""A listener whose connection PostgreSQL ends listens again, and knows that it was deaf."""

from uuid_utils.compat import uuid7

from kernel.bus.postgres import PostgresBus
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import SessionEnded
from tests.kernel.bus.conftest import listening

END_LISTENERS = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'"""


async def test_a_listener_that_was_cut_off_comes_back(own_settings: Settings, database: Database) -> None:
    bus = PostgresBus(own_settings)
    async with listening(bus) as ear:
        async with database.transaction() as tx:
            assert await tx.fetchval(END_LISTENERS) == 1
        await ear.until(lambda heard: heard == [None, None])
        event = SessionEnded(session_id=uuid7())
        assert await bus.tell([event])
        await ear.until(lambda heard: heard[-1] == event)
    await bus.close()
