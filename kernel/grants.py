"""What somebody may do and how far it reaches: from roles, assignments and the tree of units, as they are now."""

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from kernel.database import Tx
from kernel.scope import NOTHING, Audience, Reach, ScopeKind, apply_system
from kernel.sql import load

_WIDER: tuple[ScopeKind, ...] = ("none", "self", "own", "team", "branch", "region", "company")
_sql = load(Path(__file__).with_name("grants.sql"))

Permissions = MappingProxyType[str, Reach]


class Grant(Struct, frozen=True):
    """A permission by a role of this scope, over these units."""

    permission: str
    kind: ScopeKind
    units: frozenset[int]


async def of(
    tx: Tx, audience: Audience, subject: str, roles: list[str], employee: int | None, unit: int | None
) -> Permissions:
    """The permissions of somebody with these roles and, for staff, those assigned to the employee in that unit."""
    customer = await _customer(tx, subject) if audience == "investor" else None
    rows = await _sql.granted(tx, roles=roles, employee=employee, unit=unit)
    widest = _widest(Grant(row["permission"], row["scope"], frozenset(row["units"] or ())) for row in rows)
    reaches = {(grant.kind, grant.units): await _reach(tx, grant, employee, customer) for grant in set(widest.values())}
    return MappingProxyType({name: reaches[grant.kind, grant.units] for name, grant in widest.items()})


def _widest(grants: Iterable[Grant]) -> dict[str, Grant]:
    """One grant per permission: of several scopes the widest counts, of several units with one scope all of them."""
    widest: dict[str, Grant] = {}
    for grant in grants:
        known = widest.get(grant.permission)
        if known is None or _WIDER.index(grant.kind) > _WIDER.index(known.kind):
            widest[grant.permission] = grant
    return widest


async def _reach(tx: Tx, grant: Grant, employee: int | None, customer: int | None) -> Reach:
    match grant.kind:
        case "self" if customer is not None:
            return Reach(kind="self", customer=customer)
        case "own" if employee is not None:
            return Reach(kind="own", employees=(employee,))
        case "team":
            team = {*await _sql.employees_under(tx, units=list(grant.units)), *([employee] if employee else [])}
            return Reach(kind="team", employees=tuple(sorted(team)))
        case "branch" | "region":
            return Reach(kind=grant.kind, branches=tuple(await _sql.branches_under(tx, units=list(grant.units))))
        case "company":
            return Reach(kind="company", branches=tuple(await _sql.branches(tx)))
    return NOTHING


async def _customer(tx: Tx, customer_no: str) -> int | None:
    await apply_system(tx, "identity", kind="company")
    found: int | None = await _sql.customer(tx, customer_no=customer_no)
    await apply_system(tx, "identity")
    return found
