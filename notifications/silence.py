"""What nobody ever answered for: sent, expired long since, and without a last receipt, a message is `unknown` for good.

It is not offered again: it may have reached its person, and its time is over. A receipt that comes later still counts.
"""

from pathlib import Path

from kernel.database import Tx
from kernel.scope import apply_system
from kernel.settings import Settings
from kernel.sql import load

_BATCH = 5000
_sql = load(Path(__file__).with_name("silence.sql"))


async def settle(tx: Tx, settings: Settings) -> tuple[bool, int]:
    """One batch of the broadcast that is overdue for longest: whether there was one, and how many became unknown."""
    await apply_system(tx, "silence", kind="company")
    broadcast_id = await _sql.overdue(tx, wait=settings.silent_after)
    if broadcast_id is None:
        return False, 0
    silent: int = await _sql.silence(tx, broadcast_id=broadcast_id, size=_BATCH)
    if silent < _BATCH:
        await _sql.settled(tx, broadcast_id=broadcast_id)
    return True, silent
