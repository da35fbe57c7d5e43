"""Expansion (展开): from the audience of a broadcast to its messages, thousands in one statement, each decided on.

Whoever is not written to is a message too, with its reason: no address, no consent, opted out, suppressed, too often.
"""

from pathlib import Path
from uuid import UUID

from kernel.store.database import Tx
from kernel.store.sql import load

CHUNK = 4000
"""People of one statement: a second of work at most, so that what is made early leaves early."""

_sql = load(Path(__file__).with_name("expansion.sql"))


async def expand(tx: Tx, broadcast_id: UUID, size: int = CHUNK) -> int:
    """Makes the next messages and gives their number; 0 when all are made or somebody else is at it just now."""
    row = await _sql.expand(tx, broadcast_id=broadcast_id, size=size)
    return 0 if row is None else int(row["made"])
