"""The newest version that was migrated to says who handles what; what it does not know any more goes."""

import asyncpg

from kernel.settings import Settings
from kernel.store.database import Database
from workers.roster import enrol
from workers.runtime.registry import every


async def test_the_handlers_of_this_version_and_no_others_are_written_down(
    database: Database, own_settings: Settings
) -> None:
    await enrol(own_settings.owner_url)
    async with database.transaction() as tx:
        before = {tuple(row) for row in await tx.fetch("select name, kind, queue from handler")}
    assert before == {(one.name, one.event.kind(), one.queue.name) for one in every()}
    assert ("send_code", "CodeWanted", "work.urgent") in before
    owner = await asyncpg.connect(own_settings.owner_url)
    await owner.execute("insert into handler values ('of_yesterday', 'Probed', 'work.default')")
    await owner.close()
    await enrol(own_settings.owner_url)
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from handler where name = 'of_yesterday'") == 0
