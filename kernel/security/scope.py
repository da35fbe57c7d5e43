"""Who asks, and which rows they may see: made by authentication alone, first argument of every scoped query."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from kernel.store.database import Database, Tx
from kernel.store.sql import load

Audience = Literal["staff", "investor", "gateway"]
ScopeKind = Literal["none", "self", "own", "team", "branch", "region", "company"]
"""How far a permission reaches, from nothing to everything; `self` is an investor's own data."""

_sql = load(Path(__file__).with_name("scope.sql"))


class Reach(Struct, frozen=True, kw_only=True):
    """The customers that a permission reaches, in database ids.

    `own` and `team`: those whom one of `employees` develops, serves or advises today. `branch` and `region`: those of
    `branches`, and the people who work in `units` or below, regions included. `company`: all, `branches` being every
    branch. `self`: `customer`.
    """

    kind: ScopeKind = "none"
    employees: tuple[int, ...] = ()
    branches: tuple[int, ...] = ()
    customer: int | None = None
    units: tuple[int, ...] = ()

    @property
    def by_relation(self) -> bool:
        """Whether it goes by relations to employees, not by branches."""
        return self.kind in ("own", "team")


NOTHING = Reach()


class Principal(Struct, frozen=True, kw_only=True):
    """A signed-in person or machine: `subject` is an employee_no, a customer_no or a gateway's name.

    `permissions` says how far each of them reaches; `employee` is the database id of an employee who works here.
    """

    audience: Audience
    subject: str
    session_id: UUID
    device_id: str
    permissions: Mapping[str, Reach] = MappingProxyType({})
    employee: int | None = None

    @property
    def name(self) -> str:
        """The principal as it stands in logs, audit rows and policies, for instance `staff:10086`."""
        return f"{self.audience}:{self.subject}"


class Scope(Struct, frozen=True, kw_only=True):
    """What a principal may see with the permission that the route asks for."""

    principal: Principal
    reach: Reach = NOTHING
    request_id: str = ""


async def apply(tx: Tx, scope: Scope) -> None:
    """Sets the scope on the transaction, where row-level security and the audit log read it; gone when it ends."""
    principal = scope.principal
    await _sql.apply(
        tx, **_rows(scope), session=str(principal.session_id), device=principal.device_id, request=scope.request_id
    )


async def apply_system(tx: Tx, name: str, request_id: str = "", kind: Literal["none", "company"] = "none") -> None:
    """Marks the transaction as the system's own work (a job, a schedule, a command); `company` sees every row."""
    await _sql.apply(
        tx, principal=f"system:{name}", kind=kind, employees="", branches="", customer="", session="", device="",
        request=request_id,
    )  # fmt: skip


class Reads:
    """A `Tx` for what only reads: every query is a transaction of its own, under the scope; writing is refused."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database, self._scope = database, scope

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """All rows."""
        async with self._reading() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *args)
            return rows

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """The first row, null where there is none."""
        async with self._reading() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first value of the first row, null where there is none."""
        async with self._reading() as connection:
            return await connection.fetchval(query, *args)

    def _reading(self) -> AbstractAsyncContextManager[asyncpg.pool.PoolConnectionProxy]:
        return self._database.reading((self._scope.principal, self._scope.reach), self._apply)

    async def _apply(self, connection: Tx) -> None:
        await _sql.apply_reading(connection, **_rows(self._scope))


def _rows(scope: Scope) -> dict[str, str]:
    """What row-level security reads."""
    reach = scope.reach
    return {
        "principal": scope.principal.name,
        "kind": reach.kind,
        "employees": _array(reach.employees) if reach.by_relation else "",
        "branches": _array(reach.branches) if reach.kind in ("branch", "region") else "",
        "customer": "" if reach.customer is None else _array((reach.customer,)),
    }


def _array(ids: tuple[int, ...]) -> str:
    """The ids as PostgreSQL writes an array."""
    return f"{{{','.join(map(str, ids))}}}"
