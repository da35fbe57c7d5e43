"""What somebody may do and how far it reaches: from roles, assignments and the tree of units, as they are now."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from kernel.security.scope import NOTHING, Audience, Reach, ScopeKind, apply_system
from kernel.store.database import Tx
from kernel.store.sql import load

_WIDER: tuple[ScopeKind, ...] = ("none", "self", "own", "team", "branch", "region", "company")
_sql = load(Path(__file__).with_name("permission.sql"))

Permissions = MappingProxyType[str, Reach]


class Held(Struct, frozen=True):
    """A role of this scope, over these units, with what it permits."""

    kind: ScopeKind
    units: frozenset[int]
    permissions: frozenset[str]


class Grant(Struct, frozen=True):
    """A permission by roles of this scope, over these units."""

    kind: ScopeKind
    units: frozenset[int]


class Holder(Struct, frozen=True):
    """Somebody with roles; an employee's stand in assignments too, and reach from their unit."""

    audience: Audience
    subject: str
    roles: Sequence[str]
    employee: int | None
    unit: int | None


async def of(
    tx: Tx, audience: Audience, subject: str, roles: list[str], employee: int | None, unit: int | None
) -> Permissions:
    """The permissions of somebody with these roles and, for staff, those assigned to the employee in that unit."""
    (found,) = await of_many(tx, [Holder(audience, subject, roles, employee, unit)])
    return found


async def of_many(tx: Tx, holders: Sequence[Holder]) -> list[Permissions]:
    """The permissions of each, in their order; those who hold the same are reckoned once."""
    customers = await _customers(tx, [one.subject for one in holders if one.audience == "investor"])
    found, known, reaches = await _granted(tx, holders), dict[frozenset[Held], dict[str, Grant]](), Reaches(tx)
    permissions: list[Permissions] = []
    for holder in holders:
        held = found[holder.employee, holder.unit, tuple(holder.roles)]
        if held not in known:
            known[held] = _widest(held)
        customer = customers.get(holder.subject) if holder.audience == "investor" else None
        own = {grant: await reaches.of(grant, holder.employee, customer) for grant in set(known[held].values())}
        permissions.append(MappingProxyType({name: own[grant] for name, grant in known[held].items()}))
    return permissions


async def _granted(
    tx: Tx, holders: Sequence[Holder]
) -> dict[tuple[int | None, int | None, tuple[str, ...]], frozenset[Held]]:
    keys = list(dict.fromkeys((one.employee, one.unit, tuple(one.roles)) for one in holders))
    given = [(number, role) for number, key in enumerate(keys) for role in key[2]]
    rows = await _sql.granted(
        tx, numbers=list(range(len(keys))), employees=[key[0] for key in keys], units=[key[1] for key in keys],
        given_to=[number for number, _ in given], given=[role for _, role in given],
    )  # fmt: skip
    held: list[set[Held]] = [set() for _ in keys]
    for number, _, scope, permissions, units in rows:
        held[number].add(Held(scope, frozenset(units or ()), frozenset(permissions)))
    return {key: frozenset(ones) for key, ones in zip(keys, held, strict=True)}


def _widest(held: Iterable[Held]) -> dict[str, Grant]:
    """One grant per permission: of several scopes the widest counts, of several units with one scope all of them."""
    widest: dict[str, Grant] = {}
    for role in held:
        for permission in role.permissions:
            known = widest.get(permission)
            if known is None or _WIDER.index(role.kind) > _WIDER.index(known.kind):
                widest[permission] = Grant(role.kind, role.units)
            elif role.kind == known.kind:
                widest[permission] = Grant(role.kind, role.units | known.units)
    return widest


class Reaches:
    """How far grants reach; what is the same for many is asked once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._shared: dict[Grant, tuple[int, ...]] = {}

    async def of(self, grant: Grant, employee: int | None, customer: int | None) -> Reach:
        """Of a grant that this employee or customer has."""
        match grant.kind:
            case "self" if customer is not None:
                return Reach(kind="self", customer=customer)
            case "own" if employee is not None:
                return Reach(kind="own", employees=(employee,))
            case "team":
                team = {*await self._ids(grant), *([employee] if employee else [])}
                return Reach(kind="team", employees=tuple(sorted(team)))
            case "branch" | "region":
                units = tuple(sorted(grant.units))
                return Reach(kind=grant.kind, branches=await self._ids(grant), units=units)
            case "company":
                return Reach(kind="company", branches=await self._ids(grant))
        return NOTHING

    async def _ids(self, grant: Grant) -> tuple[int, ...]:
        if grant not in self._shared:
            units = list(grant.units)
            if grant.kind == "team":
                found = await _sql.employees_under(self._tx, units=units)
            elif grant.kind == "company":
                found = await _sql.branches(self._tx)
            else:
                found = await _sql.branches_under(self._tx, units=units)
            self._shared[grant] = tuple(found)
        return self._shared[grant]


async def _customers(tx: Tx, customer_nos: list[str]) -> dict[str, int]:
    if not customer_nos:
        return {}
    await apply_system(tx, "identity", kind="company")
    found = {row["customer_no"]: row["id"] for row in await _sql.customers(tx, customer_nos=customer_nos)}
    await apply_system(tx, "identity")
    return found
