"""Changes for phones: state plus changes is the fresh state, or the phone is told to begin afresh."""

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kernel.calendar import days
from kernel.security.scope import Reach, Scope
from kernel.store.cursor import Cursor, Id, Transaction
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.customer.customer import CustomerGone, CustomerLine

KEPT_DAYS = 30
"""A cursor older than this is too old: what left a branch is remembered three times as long (`retention.py`)."""

GONE_AT_MOST = 2000
"""With more tombstones than this it is cheaper to begin afresh."""

_sql = load(Path(__file__).with_name("sync.sql"), CustomerGone, CustomerLine)


class SyncCursor(Cursor, frozen=True):
    """Where a phone stands: within the state, or `complete` as of the transaction `since` and the `day`.

    `after` is the last id of a part that was cut; `following` and `following_day` say where it stands after the last.
    """

    reach: str
    since: Transaction
    day: date
    complete: bool = False
    after: Id = 0
    following: Transaction = 0
    following_day: date = date.min


class Changes(Struct, frozen=True):
    """What a phone must put in place and forget, and where it stands then; null: it must begin afresh."""

    changed: list[CustomerLine]
    gone: list[CustomerGone]
    cursor: SyncCursor
    more: bool


async def changes(tx: Tx, scope: Scope, cursor: SyncCursor | None, size: int) -> Changes | None:
    """The next part after the cursor, at most `size` customers; null when the cursor cannot be followed any more."""
    horizon, today, mark = int(await _sql.horizon(tx)), days.today(), _mark(scope.reach)
    if cursor is None:
        cursor = SyncCursor(mark, horizon, today)
    if cursor.reach != mark or cursor.since > horizon or cursor.day < today - timedelta(days=KEPT_DAYS):
        return None
    if not cursor.complete:
        return await _state(tx, scope, cursor, size)
    if not cursor.after:
        cursor = msgspec.structs.replace(cursor, following=horizon, following_day=today)
    return await _since(tx, scope, cursor, size)


class OwnCursor(Cursor, frozen=True):
    """Where the terminal of a customer stands: complete as of the transaction `since`."""

    customer: Id
    since: Transaction


class OwnChanges(Struct, frozen=True):
    """Which parts of a customer's own data changed."""

    customer: bool
    accounts: bool
    contact: bool
    preference: bool


EVERYTHING = OwnChanges(customer=True, accounts=True, contact=True, preference=True)


async def own_changes(tx: Tx, scope: Scope, cursor: OwnCursor | None) -> tuple[OwnChanges, OwnCursor] | None:
    """What changed since, and where the terminal stands then; null when the cursor is not this customer's any more."""
    horizon, customer = int(await _sql.horizon(tx)), scope.reach.customer or 0
    now = OwnCursor(customer, horizon)
    if cursor is None:
        return EVERYTHING, now
    if cursor.customer != customer or cursor.since > horizon:
        return None
    row: Any = await _sql.changed_of_one(tx, customer_id=customer, since=str(cursor.since))
    return OwnChanges(*row), now


async def _state(tx: Tx, scope: Scope, cursor: SyncCursor, size: int) -> Changes:
    reach = scope.reach
    if reach.by_relation:
        lines = await _sql.state_by_relation(tx, employees=reach.employees, after_id=cursor.after, size=size + 1)
    else:
        lines = await _sql.state_by_branch(tx, branches=reach.branches, after_id=cursor.after, size=size + 1)
    if len(lines) > size:
        return Changes(lines[:size], [], msgspec.structs.replace(cursor, after=lines[size - 1].id), more=True)
    return Changes(lines, [], msgspec.structs.replace(cursor, after=0, complete=True), more=False)


async def _since(tx: Tx, scope: Scope, cursor: SyncCursor, size: int) -> Changes | None:
    gone = [] if cursor.after else await _gone(tx, scope, cursor)
    if len(gone) > GONE_AT_MOST:
        return None
    reach, since = scope.reach, str(cursor.since)
    if reach.by_relation:
        lines = await _sql.changed_by_relation(
            tx, employees=reach.employees, since=since, since_day=cursor.day, after_id=cursor.after, size=size + 1
        )
    else:
        lines = await _sql.changed_by_branch(
            tx, branches=reach.branches, since=since, after_id=cursor.after, size=size + 1
        )
    if len(lines) > size:
        return Changes(lines[:size], gone, msgspec.structs.replace(cursor, after=lines[size - 1].id), more=True)
    return Changes(
        lines, gone, SyncCursor(cursor.reach, cursor.following, cursor.following_day, complete=True), more=False
    )


async def _gone(tx: Tx, scope: Scope, cursor: SyncCursor) -> list[CustomerGone]:
    reach, since, size = scope.reach, str(cursor.since), GONE_AT_MOST + 1
    gone: Any
    if reach.by_relation:
        gone = await _sql.gone_by_relation(tx, employees=reach.employees, since=since, since_day=cursor.day, size=size)
    else:
        gone = await _sql.gone_by_branch(tx, branches=reach.branches, since=since, size=size)
    return list(gone)


def _mark(reach: Reach) -> str:
    """Tells one reach from another: a phone whose owner sees other people's customers begins afresh."""
    return hashlib.blake2b(msgspec.json.encode(reach, order="sorted"), digest_size=9).hexdigest()
