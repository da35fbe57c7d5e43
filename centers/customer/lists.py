"""Lists of customers and search, within the scope: the SQL goes by relations or by branches as the scope does."""

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Id, Number, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.customer.customer import CustomerKind, CustomerLine, CustomerStatus

MOST = 2**63 - 1
"""Above every asset, in hundredths of a yuan, and every id."""

_LAST_ID = 2**31 - 1
_sql = load(Path(__file__).with_name("lists.sql"), CustomerLine)


class Filter(Struct, frozen=True):
    """Which customers: null is any. Assets in hundredths of a yuan, `assets_to` exclusive; names by their beginning."""

    status: CustomerStatus | None = None
    risk_level: int | None = None
    kind: CustomerKind | None = None
    assets_from: int = -MOST
    assets_to: int = MOST
    name: str = ""


class AssetsCursor(Cursor, frozen=True):
    """Where a list ended that begins with the richest."""

    assets: Number = MOST
    id: Id = _LAST_ID


class OpenedCursor(Cursor, frozen=True):
    """Where a list ended that begins with the newest."""

    opened_on: date = date.max
    id: Id = _LAST_ID


class NameCursor(Cursor, frozen=True):
    """Where a list by name ended."""

    name: Words = ""
    id: Id = 0


async def by_assets(tx: Tx, scope: Scope, wanted: Filter, after: AssetsCursor, size: int) -> list[CustomerLine]:
    """The customers in scope, richest first."""
    query = _sql.assets_by_relation if scope.reach.by_relation else _sql.assets_by_branch
    return await _lines(query, tx, scope, wanted, size, after_assets=after.assets, after_id=after.id)


async def by_opening(tx: Tx, scope: Scope, wanted: Filter, after: OpenedCursor, size: int) -> list[CustomerLine]:
    """The customers in scope, the newest first."""
    query = _sql.opened_by_relation if scope.reach.by_relation else _sql.opened_by_branch
    return await _lines(query, tx, scope, wanted, size, after_opened=after.opened_on, after_id=after.id)


async def by_name(tx: Tx, scope: Scope, wanted: Filter, after: NameCursor, size: int) -> list[CustomerLine]:
    """The customers in scope whose name begins so, by name, whatever the case and the width of its letters."""
    query = _sql.name_by_relation if scope.reach.by_relation else _sql.name_by_branch
    return await _lines(query, tx, scope, wanted, size, name=wanted.name, after_name=after.name, after_id=after.id)


async def by_number(tx: Tx, scope: Scope, customer_no: str) -> list[CustomerLine]:
    """The customer of that number, if in scope."""
    reach = scope.reach
    found: list[CustomerLine] = await _sql.by_number(
        tx, branches=reach.branches, employees=reach.employees, customer_no=customer_no
    )
    return found


async def by_mobile(tx: Tx, scope: Scope, mobile_index: bytes, size: int) -> list[CustomerLine]:
    """The customers in scope with that mobile number, given as its blind index."""
    reach = scope.reach
    found: list[CustomerLine] = await _sql.by_mobile(
        tx, branches=reach.branches, employees=reach.employees, mobile=mobile_index, size=size
    )
    return found


async def _lines(
    query: Callable[..., Awaitable[list[CustomerLine]]], tx: Tx, scope: Scope, wanted: Filter, size: int, **after: Any
) -> list[CustomerLine]:
    reach = scope.reach
    place: dict[str, Any] = {"employees": reach.employees} if reach.by_relation else {"branches": reach.branches}
    return await query(
        tx, **place, **after, assets_from=wanted.assets_from, assets_to=wanted.assets_to, status=wanted.status,
        risk_level=wanted.risk_level, kind=wanted.kind, size=size,
    )  # fmt: skip
