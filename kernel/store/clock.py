"""The clock of the database: where hosts must agree on the time, none of them goes by its own."""

from datetime import datetime
from pathlib import Path

from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("clock.sql"))


async def now(tx: Tx) -> datetime:
    """This moment, as PostgreSQL has it."""
    moment: datetime = await _sql.now(tx)
    return moment
