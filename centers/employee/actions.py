"""Changes of people's roles and of what roles permit: in effect at once, since every process is told."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from centers.employee import queries, rules
from kernel.calendar.days import today
from kernel.errors import FieldError, InvalidInput, NotFound
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.person import PersonRoles, PersonRolesChange
from mobile_contracts.employee.role import Role, RoleChange
from mobile_contracts.event import PersonChanged, RolesChanged

_sql = load(Path(__file__).with_name("actions.sql"))


class Holder(Struct, frozen=True):
    """An employee, locked, and the roles that they hold."""

    id: int
    roles: PersonRoles


async def check_roles_of_person(
    tx: Tx, scope: Scope, employee_no: str, change: PersonRolesChange, version: int | None
) -> Holder:
    """The employee, locked; raises `NotFound`, `VersionConflict` or, for roles that do not fit, `InvalidInput`."""
    await queries.find_person_roles(tx, scope, employee_no)
    row: Any = await _sql.find_person(tx, employee_no=employee_no)
    before = await queries.roles_of(tx, row["id"], employee_no)
    await check_version(tx, ("assignment", employee_no), before.version, version, change)
    await _check_wanted(tx, before, change)
    if row["gone"] and not {one.role for one in change.roles} <= {one.role for one in before.roles}:
        raise rules.refused("roles", "somebody who left gets no further role", "离职人员不能再获得角色")
    await _check_administrator(tx, row["id"], before, change)
    return Holder(row["id"], before)


async def do_roles_of_person(tx: Tx, holder: Holder, change: PersonRolesChange) -> PersonRoles:
    """Gives the employee these roles and no others."""
    before, wanted = holder.roles, [(one.role, one.unit_id) for one in change.roles]
    if sorted(wanted) == [(one.role, one.unit_id) for one in before.roles]:
        return before
    await _sql.forget_roles(tx, employee=holder.id)
    await _sql.add_roles(tx, employee=holder.id, roles=[role for role, _ in wanted], units=[unit for _, unit in wanted])
    after = await queries.roles_of(tx, holder.id, before.employee_no)
    what = Record(
        action="person.change_roles", noun="assignment", noun_id=before.employee_no, before=before, after=after
    )
    await emit(tx, PersonChanged(employee_no=before.employee_no), what)
    return after


async def check_role(tx: Tx, code: str, change: RoleChange, known: set[str], version: int | None) -> Role:
    """The role, locked; raises `NotFound`, `VersionConflict` or `InvalidInput`.

    `known` are the permissions that routes name; what some role has already is known too.
    """
    if await _sql.lock_role(tx, code=code) is None:
        raise NotFound
    before = await queries.find_role(tx, code)
    await check_version(tx, ("role", code), before.version, version, change)
    given = {permission for role in await queries.list_roles(tx) for permission in role.permissions}
    rules.check_role_change(code, change, known | given)
    return before


async def do_change_role(tx: Tx, before: Role, change: RoleChange) -> Role:
    """Gives the role this scope and these permissions and no others."""
    permissions = sorted(set(change.permissions))
    if (change.scope, permissions) == (before.scope, before.permissions):
        return before
    await _sql.change_role(tx, code=before.code, scope=change.scope)
    await _sql.forget_permissions(tx, code=before.code)
    await _sql.add_permissions(tx, code=before.code, permissions=permissions)
    after = await queries.find_role(tx, before.code)
    what = Record(action="role.change", noun="role", noun_id=before.code, before=before, after=after)
    await emit(tx, RolesChanged(), what)
    return after


async def _check_wanted(tx: Tx, before: PersonRoles, change: PersonRolesChange) -> None:
    """Raises `InvalidInput`, naming each role that does not fit; one that is held already may stay as it is."""
    held = {(one.role, one.unit_id) for one in before.roles}
    roles, errors = {role.code: role for role in await queries.list_roles(tx)}, []
    for number, wanted in enumerate(change.roles):
        if wanted.role in {one.role for one in change.roles[:number]}:
            errors.append(FieldError(f"roles[{number}].role", "this role is named twice", "角色重复"))
            continue
        if (wanted.role, wanted.unit_id) in held:
            continue
        unit = None if wanted.unit_id is None else await queries.look_for_unit(tx, wanted.unit_id)
        fault = rules.fault_of_assignment(f"roles[{number}]", roles.get(wanted.role), wanted.unit_id, unit, today())
        errors += [fault] if fault else []
    if errors:
        raise InvalidInput(errors=errors)


async def _check_administrator(tx: Tx, employee: int, before: PersonRoles, change: PersonRolesChange) -> None:
    """Raises `InvalidInput` when nobody who works here would be an administrator any more."""
    kept = rules.ADMINISTRATOR in {one.role for one in change.roles}
    if kept or rules.ADMINISTRATOR not in {one.role for one in before.roles}:
        return
    await _sql.lock_role(tx, code=rules.ADMINISTRATOR)
    if not await _sql.has_other_administrator(tx, role=rules.ADMINISTRATOR, employee=employee):
        raise rules.refused("roles", "this is the last administrator", "不能撤销最后一名系统管理员")
