"""One after the other: whoever counts to the same limit waits, so that many at once gain nothing."""

from pathlib import Path

from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("turn.sql"))


async def wait(tx: Tx, keys: list[str]) -> None:
    """Returns when nobody else holds one of the keys; they are let go with the transaction."""
    await _sql.wait_in_turn(tx, keys=keys)
