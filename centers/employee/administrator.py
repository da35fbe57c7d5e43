"""The first administrator (首位系统管理员): made by a command, before there is anybody who could make one."""

from pathlib import Path
from typing import Any

from centers.employee.role_rules import ADMINISTRATOR
from kernel.errors import InvalidInput
from kernel.events.outbox import Record, emit
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import OrganisationChanged, PersonChanged

_sql = load(Path(__file__).with_name("administrator.sql"))


async def make(tx: Tx, employee_no: str, name: str) -> bool:
    """Gives the employee the role, making them in the company itself when no feed has; whether they were made.

    Raises `InvalidInput` for somebody who has left.
    """
    row: Any = await _sql.find(tx, employee_no=employee_no)
    if row is not None and row["gone"]:
        raise InvalidInput(f"{employee_no} has left the firm and cannot be an administrator")
    employee = row["id"] if row is not None else await _sql.add(tx, employee_no=employee_no, name=name)
    assigned = await _sql.assign(tx, employee=employee, role=ADMINISTRATOR) is not None
    if row is None or assigned:
        what = Record(action="administrator.make", noun="person", noun_id=employee_no)
        await emit(tx, PersonChanged(employee_no=employee_no), what)
    return row is None


async def assign_by_position(tx: Tx) -> int:
    """Gives everybody without a role the one that bears the name of their position; how many were given one."""
    count: int = await _sql.assign_by_position(tx)
    if count:
        what = Record(action="roles.by_position", noun="role", noun_id="position", reason=f"{count} people")
        await emit(tx, OrganisationChanged(), what)
    return count
