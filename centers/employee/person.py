"""People who work here (员工): found and listed as far as a scope reaches, and moved from unit to unit."""

from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from centers.employee import unit
from centers.employee import unit_rules as rules
from kernel.calendar.days import today
from kernel.errors import NotFound
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.person import (
    Licence,
    Person,
    PersonLine,
    PersonMove,
    PersonOrder,
    PersonUnit,
    RoleHeld,
)
from mobile_contracts.employee.unit import UnitStep
from mobile_contracts.event import OrganisationChanged
from mobile_contracts.overview.me import Employee

_sql = load(Path(__file__).with_name("person.sql"), UnitStep, PersonLine, RoleHeld, Employee)


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

    @classmethod
    def at(cls, person: PersonLine, order: PersonOrder) -> "PersonCursor":
        """Where a page ends that ends with this employee."""
        key = {"name": person.name, "hired_on": person.hired_on.isoformat()}.get(order, "")
        return cls(order, key, person.employee_no)


class PeopleWanted(Struct, frozen=True):
    """Which employees are looked for: by the beginning of name or number, unit with all below it, role, working now."""

    prefix: str = ""
    unit: int | None = None
    role: str | None = None
    working: bool | None = None


async def list_people(tx: Tx, scope: Scope, wanted: PeopleWanted, after: PersonCursor, size: int) -> list[PersonLine]:
    """Employees that the scope reaches, in the order that the cursor names."""
    people: list[PersonLine] = await _sql.list(
        tx, prefix=wanted.prefix, unit=wanted.unit, role=wanted.role, working=wanted.working, sort=after.order,
        after_key=after.key, after_no=after.employee_no, size=size, **_reached(scope),
    )  # fmt: skip
    return people


async def find(tx: Tx, scope: Scope, employee_no: str) -> Person:
    """One employee whom the scope reaches; raises `NotFound`."""
    row = await _row(tx, scope, employee_no)
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


async def find_oneself(tx: Tx, employee: int | None) -> Employee | None:
    """The employee with that database id as they see themselves, null when there is none."""
    found: Employee | None = await _sql.find_oneself(tx, employee=employee)
    return found


async def id_of(tx: Tx, scope: Scope, employee_no: str) -> int:
    """The database id of one employee whom the scope reaches; raises `NotFound`."""
    row = await _row(tx, scope, employee_no)
    return int(row["id"])


async def find_unit(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    """Where one employee whom the scope reaches stands; raises `NotFound`."""
    row = await _row(tx, scope, employee_no)
    return PersonUnit(employee_no, row["unit_id"], row["placed_by"], row["version"])


async def move(tx: Tx, scope: Scope, employee_no: str, wanted: PersonMove, version: int | None) -> PersonUnit:
    """Has the employee stand in the unit, whatever a feed says from now on.

    Raises `NotFound`, `VersionConflict`, or `InvalidInput` where no open unit is.
    """
    before = await _check_move(tx, scope, employee_no, wanted, version)
    after = structs.replace(before, unit_id=wanted.unit_id, placed_by="staff")
    return await _place(tx, scope, "person.move", before, after)


async def give_back(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    """Lets the feed place the employee again, from its next delivery on; raises `NotFound`."""
    before = await _locked(tx, scope, employee_no)
    return await _place(tx, scope, "person.place_by_feed", before, structs.replace(before, placed_by="feed"))


async def _check_move(tx: Tx, scope: Scope, employee_no: str, wanted: PersonMove, version: int | None) -> PersonUnit:
    before = await _locked(tx, scope, employee_no)
    await check_version(tx, ("employee", employee_no), before.version, version, wanted)
    into = await unit.look_for(tx, wanted.unit_id)
    if into is None:
        raise rules.refused("unit_id", "there is no such unit", "机构不存在")
    rules.check_open(into, today(), "unit_id")
    return before


async def _locked(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    await unit.lock_tree(tx)
    await _sql.lock(tx, employee_no=employee_no)
    return await find_unit(tx, scope, employee_no)


async def _place(tx: Tx, scope: Scope, action: str, before: PersonUnit, wanted: PersonUnit) -> PersonUnit:
    if wanted == before:
        return before
    await _sql.place(tx, employee_no=before.employee_no, unit=wanted.unit_id, placed_by=wanted.placed_by)
    after = await find_unit(tx, scope, before.employee_no)
    what = Record(action=action, noun="employee", noun_id=before.employee_no, before=before, after=after)
    await emit(tx, OrganisationChanged(), what)
    return after


async def _row(tx: Tx, scope: Scope, employee_no: str) -> Any:
    row = await _sql.find(tx, employee_no=employee_no, **_reached(scope))
    if row is None:
        raise NotFound
    return row


def _reached(scope: Scope) -> dict[str, Any]:
    reach = scope.reach
    units = {*reach.units, *reach.branches} if reach.kind in ("branch", "region") else ()
    return {"everybody": reach.kind == "company", "employees": list(reach.employees), "units": sorted(units)}
