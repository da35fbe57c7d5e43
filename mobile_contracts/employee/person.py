"""People who work here (员工) and the roles that they hold, as administrators see them."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from mobile_contracts.base import NO_CONTROLS, Answer, Input
from mobile_contracts.employee.unit import UnitId, UnitStep

EmployeeNo = Annotated[str, Meta(min_length=1, max_length=40, pattern=NO_CONTROLS)]
PersonOrder = Literal["employee_no", "name", "hired_on"]
RoleCode = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z_]+\Z")]


class PersonLine(Answer, frozen=True):
    """An employee in a list; `left_on` is the first day on which they no longer work here."""

    employee_no: str
    name: str
    position: str
    unit_id: int
    unit_name: str
    hired_on: date
    left_on: date | None
    roles: list[str]


class Licence(Answer, frozen=True):
    """A licence to practise (执业资格); `valid` says whether it is today, and has no end where `valid_to` is null."""

    kind: str
    number: str | None
    valid_to: date | None
    valid: bool


class RoleHeld(Answer, frozen=True):
    """A role that somebody holds, over `unit_id`; null is the unit that they stand in."""

    role: str
    name_zh: str
    name_en: str
    unit_id: int | None
    unit_name: str | None


class Person(Answer, frozen=True):
    """One employee: `units` lead from the company down to where they stand, `mobile` is masked."""

    employee_no: str
    name: str
    position: str
    licence: Licence | None
    mobile: str | None
    email: str | None
    units: list[UnitStep]
    hired_on: date
    left_on: date | None
    roles: list[RoleHeld]


class PersonUnit(Answer, frozen=True):
    """The unit that an employee stands in. Where `staff` placed them, a feed leaves them."""

    employee_no: str
    unit_id: int
    placed_by: Literal["feed", "staff"]
    version: int


class PersonMove(Input, frozen=True):
    """The unit that an employee shall stand in."""

    unit_id: UnitId


class RoleAssigned(Answer, frozen=True):
    """A role and the unit that it is held over; null is the unit that the employee stands in."""

    role: str
    unit_id: int | None


class PersonRoles(Answer, frozen=True):
    """The roles of one employee; `version` is 0 as long as there is none."""

    employee_no: str
    roles: list[RoleAssigned]
    version: int


class RoleWanted(Input, frozen=True):
    """A role that somebody shall hold; `unit_id` only where the role reaches a team, branches or regions."""

    role: RoleCode
    unit_id: UnitId | None = None


class PersonRolesChange(Input, frozen=True):
    """All the roles that somebody shall hold from now on."""

    roles: Annotated[list[RoleWanted], Meta(max_length=20)]
