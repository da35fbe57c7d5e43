"""What becomes of messages that nobody holds any more: uncertain, given up, too late, cancelled; broadcasts end."""

from pathlib import Path

from msgspec import Struct

from kernel.settings import Settings
from kernel.store.database import Tx
from kernel.store.sql import load
from notifications.broadcast import bounces

_FOLDED = 5000
"""Counts of messages that are added up in one round."""

_sql = load(Path(__file__).with_name("tidying.sql"))


class Tidied(Struct, frozen=True):
    """How many messages became what, and how many broadcasts ended."""

    lost: int
    given_up: int
    ended: int
    finished: int


async def tidy(tx: Tx, settings: Settings) -> Tidied:
    """One round, of a few thousand messages at most.

    A claim without an end becomes `unknown` after `handing_over`: its process died, or the rows would be locked. What
    had no receipt after its last attempt has failed; what was not handed over in time has expired.
    """
    await bounces.forget(tx)
    lost = await _sql.lose(tx, silence=settings.handing_over)
    given_up = await _sql.give_up(tx, wait=settings.reconcile_after)
    ended = await _sql.end_waiting(tx)
    await _sql.fold(tx, size=_FOLDED)
    return Tidied(lost, given_up, ended, await _finish(tx))


async def _finish(tx: Tx) -> int:
    """Ends broadcasts of which nothing waits, each held before it is looked at.

    A receipt that lets a message wait again holds the broadcast too: it comes before that look, or undoes the end.
    """
    held = await _sql.lock_open(tx)
    return int(await _sql.finish(tx, ids=[row["id"] for row in held]))
