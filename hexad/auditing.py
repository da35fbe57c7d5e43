"""`hexad audit verify`: opens what the check of the audit log needs."""

from collections.abc import Callable

from kernel import audit
from kernel.anchor import anchor
from kernel.database import Database
from kernel.settings import Settings


async def verify(settings: Settings, progress: Callable[[int, int], None]) -> audit.Report:
    """Checks every row, the chain and the anchor file; raises `Unavailable` when PostgreSQL does not answer."""
    database = await Database.open(settings.database_url, settings, size=1)
    try:
        async with database.connection() as connection:
            return await audit.verify(connection, anchor(settings), progress)
    finally:
        await database.close()
