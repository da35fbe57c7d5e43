"""Who handles what, written down when the schema is brought to this version: an older relay makes jobs for them too."""

from pathlib import Path

from kernel.store.lineage import connect
from kernel.store.sql import load
from workers import handlers
from workers.runtime.registry import every

__all__ = ["handlers"]
_sql = load(Path(__file__).with_name("roster.sql"))


async def enrol(url: str) -> None:
    """Writes down the handlers of this version, and no others; `url` is the owner's."""
    known = every()
    connection = await connect(url)
    try:
        await _sql.enrol(
            connection,
            names=[one.name for one in known],
            kinds=[one.event.kind() for one in known],
            queues=[one.queue.name for one in known],
        )
    finally:
        await connection.close()
