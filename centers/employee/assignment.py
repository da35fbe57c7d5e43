"""Which roles an employee holds, and over which units: changed in effect at once, since every process is told."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from centers.employee import person, role, unit
from centers.employee import role_rules as rules
from centers.employee.unit_rules import refused
from kernel.calendar.days import today
from kernel.errors import FieldError, InvalidInput
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.person import PersonRoles, PersonRolesChange, RoleAssigned
from mobile_contracts.event import PersonChanged

_sql = load(Path(__file__).with_name("assignment.sql"), RoleAssigned)


class _Holder(Struct, frozen=True):
    """An employee, locked, and the roles that they hold."""

    id: int
    roles: PersonRoles


async def find(tx: Tx, scope: Scope, employee_no: str) -> PersonRoles:
    """The roles of one employee whom the scope reaches; raises `NotFound`."""
    return await _roles_of(tx, await person.id_of(tx, scope, employee_no), employee_no)


async def change(tx: Tx, scope: Scope, employee_no: str, wanted: PersonRolesChange, version: int | None) -> PersonRoles:
    """Gives the employee these roles and no others.

    Raises `NotFound`, `VersionConflict` or, for roles that do not fit, `InvalidInput`.
    """
    holder = await _check_change(tx, scope, employee_no, wanted, version)
    before, given = holder.roles, [(one.role, one.unit_id) for one in wanted.roles]
    if sorted(given) == [(one.role, one.unit_id) for one in before.roles]:
        return before
    await _sql.forget(tx, employee=holder.id)
    await _sql.add(tx, employee=holder.id, roles=[code for code, _ in given], units=[unit_id for _, unit_id in given])
    after = await _roles_of(tx, holder.id, before.employee_no)
    what = Record(
        action="person.change_roles", noun="assignment", noun_id=before.employee_no, before=before, after=after
    )
    await emit(tx, PersonChanged(employee_no=before.employee_no), what)
    return after


async def _check_change(
    tx: Tx, scope: Scope, employee_no: str, wanted: PersonRolesChange, version: int | None
) -> _Holder:
    await person.id_of(tx, scope, employee_no)
    row: Any = await _sql.lock(tx, employee_no=employee_no)
    before = await _roles_of(tx, row["id"], employee_no)
    await check_version(tx, ("assignment", employee_no), before.version, version, wanted)
    await _check_wanted(tx, before, wanted)
    if row["gone"] and not {one.role for one in wanted.roles} <= {one.role for one in before.roles}:
        raise refused("roles", "somebody who left gets no further role", "离职人员不能再获得角色")
    await _check_administrator(tx, row["id"], before, wanted)
    return _Holder(row["id"], before)


async def _check_wanted(tx: Tx, before: PersonRoles, wanted: PersonRolesChange) -> None:
    """Raises `InvalidInput`, naming each role that does not fit; one that is held already may stay as it is."""
    held = {(one.role, one.unit_id) for one in before.roles}
    roles, errors = {one.code: one for one in await role.list_roles(tx)}, []
    for number, one in enumerate(wanted.roles):
        if one.role in {other.role for other in wanted.roles[:number]}:
            errors.append(FieldError(f"roles[{number}].role", "this role is named twice", "角色重复"))
            continue
        if (one.role, one.unit_id) in held:
            continue
        over = None if one.unit_id is None else await unit.look_for(tx, one.unit_id)
        fault = rules.fault_of_assignment(f"roles[{number}]", roles.get(one.role), one.unit_id, over, today())
        errors += [fault] if fault else []
    if errors:
        raise InvalidInput(errors=errors)


async def _check_administrator(tx: Tx, employee: int, before: PersonRoles, wanted: PersonRolesChange) -> None:
    """Raises `InvalidInput` when nobody who works here would be an administrator any more."""
    kept = rules.ADMINISTRATOR in {one.role for one in wanted.roles}
    if kept or rules.ADMINISTRATOR not in {one.role for one in before.roles}:
        return
    await role.lock(tx, rules.ADMINISTRATOR)
    if not await _sql.has_other_administrator(tx, role=rules.ADMINISTRATOR, employee=employee):
        raise refused("roles", "this is the last administrator", "不能撤销最后一名系统管理员")


async def _roles_of(tx: Tx, employee: int, employee_no: str) -> PersonRoles:
    roles: list[RoleAssigned] = await _sql.list(tx, employee=employee)
    return PersonRoles(employee_no, roles, await _sql.version(tx, employee=employee))
