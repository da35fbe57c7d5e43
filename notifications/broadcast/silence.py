"""What nobody ever answered for: sent, expired long since, and without a last receipt, a message is `unknown` for good.

It is not offered again: it may have reached its person, and its time is over. A receipt that comes later still counts.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.store.sql import load

_BATCH = 5000
_sql = load(Path(__file__).with_name("silence.sql"))


async def find(tx: Tx, settings: Settings, but: Sequence[UUID] = ()) -> UUID | None:
    """The broadcast that is overdue for longest, none of `but`; it is the caller's for this transaction."""
    await apply_system(tx, "silence", kind="company")
    found: UUID | None = await _sql.overdue(tx, wait=settings.silent_after, but=but)
    return found


async def settle(tx: Tx, broadcast_id: UUID) -> int:
    """One batch of a broadcast that was found: how many became unknown."""
    held = [row[0] for row in await _sql.hold(tx, broadcast_id=broadcast_id, size=_BATCH)]
    silent: int = await _sql.silence(tx, ids=held)
    if len(held) < _BATCH:
        await _sql.settled(tx, broadcast_id=broadcast_id)
    return silent
