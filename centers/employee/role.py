"""Roles (角色): what each permits and how far that reaches, changed in effect at once, since every process is told."""

from pathlib import Path

from centers.employee import role_rules as rules
from kernel.errors import NotFound
from kernel.events.outbox import Record, emit
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.role import Role, RoleChange
from mobile_contracts.event import RolesChanged

_sql = load(Path(__file__).with_name("role.sql"), Role)


async def list_roles(tx: Tx) -> list[Role]:
    """All roles by code."""
    roles: list[Role] = await _sql.list(tx)
    return roles


async def find(tx: Tx, code: str) -> Role:
    """One role; raises `NotFound`."""
    found: Role | None = await _sql.find(tx, code=code)
    if found is None:
        raise NotFound
    return found


async def lock(tx: Tx, code: str) -> None:
    """Has whoever else changes the role, or looks who holds it, wait until this transaction ends; raises `NotFound`."""
    if await _sql.lock(tx, code=code) is None:
        raise NotFound


async def change(tx: Tx, code: str, wanted: RoleChange, known: set[str], version: int | None) -> Role:
    """Gives the role this scope and these permissions and no others.

    `known` are the permissions that routes name; what some role has already is known too. Raises `NotFound`,
    `VersionConflict` or `InvalidInput`.
    """
    before, permissions = await _check_change(tx, code, wanted, known, version), sorted(set(wanted.permissions))
    if (wanted.scope, permissions) == (before.scope, before.permissions):
        return before
    await _sql.change(tx, code=code, scope=wanted.scope)
    await _sql.forget_permissions(tx, code=code)
    await _sql.add_permissions(tx, code=code, permissions=permissions)
    after = await find(tx, code)
    await emit(tx, RolesChanged(), Record(action="role.change", noun="role", noun_id=code, before=before, after=after))
    return after


async def _check_change(tx: Tx, code: str, wanted: RoleChange, known: set[str], version: int | None) -> Role:
    await lock(tx, code)
    before = await find(tx, code)
    await check_version(tx, ("role", code), before.version, version, wanted)
    given = {permission for one in await list_roles(tx) for permission in one.permissions}
    rules.check_role_change(code, wanted, known | given)
    return before
