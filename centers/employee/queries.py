"""What is read of the organisation, its people and their roles."""

from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from centers.employee.rules import KINDS
from kernel.errors import NotFound
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.employee.person import (
    Licence,
    Person,
    PersonLine,
    PersonOrder,
    PersonRoles,
    PersonUnit,
    RoleAssigned,
    RoleHeld,
)
from mobile_contracts.employee.role import Role
from mobile_contracts.employee.unit import Unit, UnitKind, UnitLine, UnitStep

_sql = load(Path(__file__).with_name("queries.sql"), Unit, UnitLine, UnitStep, PersonLine, RoleHeld, RoleAssigned, Role)


class UnitCursor(Cursor, frozen=True):
    """The last unit of a page; kind and code of a unit never change."""

    kind: UnitKind = "company"
    code: Words = ""


class PersonCursor(Cursor, frozen=True):
    """The last employee of a page, and the order in which the pages are read."""

    order: PersonOrder
    key: Words = ""
    employee_no: Words = ""

    def __post_init__(self) -> None:
        """Raises `ValueError` for a key that is none in that order."""
        if self.order == "hired_on" and self.key:
            date.fromisoformat(self.key)
        if self.order == "employee_no" and self.key:
            raise ValueError("employee_no is the key")


class PeopleWanted(Struct, frozen=True):
    """Which employees are looked for: by the beginning of name or number, unit with all below it, role, working now."""

    prefix: str = ""
    unit: int | None = None
    role: str | None = None
    working: bool | None = None


async def find_unit(tx: Tx, unit_id: int) -> Unit:
    """One unit; raises `NotFound`."""
    found = await look_for_unit(tx, unit_id)
    if found is None:
        raise NotFound
    return found


async def look_for_unit(tx: Tx, unit_id: int | None) -> Unit | None:
    """One unit, null when there is none."""
    found: Unit | None = await _sql.find_unit(tx, id=unit_id)
    return found


async def list_units(
    tx: Tx, after: UnitCursor, size: int, kind: UnitKind | None, parent: int | None, *, ended: bool | None
) -> list[UnitLine]:
    """Units from the company down, by kind and code."""
    units: list[UnitLine] = await _sql.list_units(
        tx, kind=kind, parent=parent, ended=ended, after_rank=KINDS.index(after.kind) + 1, after_code=after.code,
        size=size,
    )  # fmt: skip
    return units


async def list_people(tx: Tx, scope: Scope, wanted: PeopleWanted, after: PersonCursor, size: int) -> list[PersonLine]:
    """Employees that the scope reaches, in the order that the cursor names."""
    people: list[PersonLine] = await _sql.list_people(
        tx, prefix=wanted.prefix, unit=wanted.unit, role=wanted.role, working=wanted.working, sort=after.order,
        after_key=after.key, after_no=after.employee_no, size=size, **_reached(scope),
    )  # fmt: skip
    return people


def cursor_of(person: PersonLine, order: PersonOrder) -> PersonCursor:
    """Where a page ends that ends with this employee."""
    key = {"name": person.name, "hired_on": person.hired_on.isoformat()}.get(order, "")
    return PersonCursor(order, key, person.employee_no)


async def find_person(tx: Tx, scope: Scope, employee_no: str) -> Person:
    """One employee whom the scope reaches; raises `NotFound`."""
    row = await _row_of_person(tx, scope, employee_no)
    licence = Licence(row["licence_kind"], row["licence_no"], row["licence_valid_to"], row["licence_valid"])
    return Person(
        employee_no=row["employee_no"],
        name=row["name"],
        position=row["position"],
        licence=licence if licence.kind else None,
        mobile=row["mobile_mask"],
        email=row["email"],
        units=await _sql.steps_to(tx, unit=row["unit_id"]),
        hired_on=row["hired_on"],
        left_on=row["left_on"],
        roles=await _sql.roles_held(tx, employee=row["id"]),
    )


async def find_person_unit(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    """Where one employee whom the scope reaches stands; raises `NotFound`."""
    row = await _row_of_person(tx, scope, employee_no)
    return PersonUnit(employee_no, row["unit_id"], row["placed_by"], row["version"])


async def find_person_roles(tx: Tx, scope: Scope, employee_no: str) -> PersonRoles:
    """The roles of one employee whom the scope reaches; raises `NotFound`."""
    row = await _row_of_person(tx, scope, employee_no)
    return await roles_of(tx, row["id"], employee_no)


async def roles_of(tx: Tx, employee: int, employee_no: str) -> PersonRoles:
    """The roles of the employee with this database id."""
    roles: list[RoleAssigned] = await _sql.roles_assigned(tx, employee=employee)
    return PersonRoles(employee_no, roles, await _sql.roles_version(tx, employee=employee))


async def list_roles(tx: Tx) -> list[Role]:
    """All roles by code."""
    roles: list[Role] = await _sql.list_roles(tx)
    return roles


async def find_role(tx: Tx, code: str) -> Role:
    """One role; raises `NotFound`."""
    found: Role | None = await _sql.find_role(tx, code=code)
    if found is None:
        raise NotFound
    return found


async def _row_of_person(tx: Tx, scope: Scope, employee_no: str) -> Any:
    row = await _sql.find_person(tx, employee_no=employee_no, **_reached(scope))
    if row is None:
        raise NotFound
    return row


def _reached(scope: Scope) -> dict[str, Any]:
    reach = scope.reach
    units = {*reach.units, *reach.branches} if reach.kind in ("branch", "region") else ()
    return {"everybody": reach.kind == "company", "employees": list(reach.employees), "units": sorted(units)}
