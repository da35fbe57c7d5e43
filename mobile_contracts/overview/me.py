"""Who one is, and what one may do."""

from datetime import date

from mobile_contracts.base import Answer


class PermissionHeld(Answer, frozen=True):
    """Something that one may do, and how far it reaches: self, own, team, branch, region, company or none."""

    code: str
    reach: str


class Employee(Answer, frozen=True):
    """An employee as they see themselves; `unit` is the path of units from the company down."""

    employee_no: str
    name: str
    position: str
    unit: list[str]
    licence_kind: str | None
    licence_valid_to: date | None


class Me(Answer, frozen=True):
    """`employee` is null for a sign-in made by command for somebody whom no feed knows."""

    principal: str
    session_id: str
    device_id: str
    employee: Employee | None
    permissions: list[PermissionHeld]
