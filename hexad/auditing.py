"""`hexad audit verify`: opens what the check of the audit log needs."""

from collections.abc import Callable

from kernel.audit import seal
from kernel.audit.anchor import anchor
from kernel.settings import Settings
from kernel.store.database import Database


async def verify(settings: Settings, progress: Callable[[int, int], None]) -> seal.Report:
    """Checks every row, the chain and the anchor file; raises `Unavailable` when PostgreSQL does not answer."""
    database = await Database.open(settings.database_url, settings, size=1)
    try:
        async with database.connection() as connection:
            return await seal.verify(connection, anchor(settings), progress)
    finally:
        await database.close()
