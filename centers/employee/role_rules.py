"""What fits in a role, and who may hold it over which unit, told by field where it does not; no I/O."""

from collections.abc import Collection
from datetime import date

from centers.employee.unit_rules import fault_of_ended, refused
from kernel.errors import FieldError, InvalidInput
from mobile_contracts.employee.role import Role, RoleChange
from mobile_contracts.employee.unit import Unit, UnitKind

ADMINISTRATOR, INVESTOR = "administrator", "investor"
EVERYBODYS = {"calendar.read", "product.read"}
"""Permissions that investors may have beside those to their own data."""

KEPT = frozenset({"role.change", "person.change"})
"""What the administrator role never loses: without it nobody could give it back."""

WHOLE_COMPANY = frozenset({
    "person.change", "role.change", "organisation.change", "session.read", "session.end", "audit.read",
    "calendar.change", "job.read", "job.retry",
})  # fmt: skip
"""Permissions that know no bounds, so only a role that reaches the whole company can have them."""

_OVER: dict[str, tuple[UnitKind, ...]] = {
    "team": ("team",),
    "branch": ("branch", "region", "company"),
    "region": ("region", "company"),
}


def fault_of_assignment(
    place: str, role: Role | None, unit_id: int | None, unit: Unit | None, today: date
) -> FieldError | None:
    """Why the role cannot be held over that unit, null when it can; `place` is the field that asks for it."""
    field = f"{place}.unit_id"
    if role is None or role.code == INVESTOR:
        return FieldError(f"{place}.role", "there is no such role", "角色不存在")
    if unit_id is None:
        return None
    if role.scope not in _OVER:
        return FieldError(field, f"the role {role.code} is not held over a unit", "该角色不能指定机构")
    if unit is None:
        return FieldError(field, "there is no such unit", "机构不存在")
    if unit.kind not in _OVER[role.scope]:
        kinds = ", ".join(_OVER[role.scope])
        return FieldError(field, f"the role {role.code} is held over one of: {kinds}", "机构类型与角色范围不符")
    return fault_of_ended(unit, today, field)


def check_role_change(code: str, change: RoleChange, known: Collection[str]) -> None:
    """Raises `InvalidInput`, naming each permission that is unknown or not for this role, or the scope."""
    told = [(number, name, _not_for(code, name, known)) for number, name in enumerate(change.permissions)]
    errors = [FieldError(f"permissions[{number}]", f"{name} {why[0]}", why[1]) for number, name, why in told if why]
    if errors:
        raise InvalidInput(errors=errors)
    if code == ADMINISTRATOR and not set(change.permissions) >= KEPT:
        kept = ", ".join(sorted(KEPT))
        raise refused("permissions", f"the administrator keeps {kept}", f"系统管理员须保留 {kept}")
    if (change.scope == "self") != (code == INVESTOR):
        raise refused("scope", "the scope self is that of investors, who have no other", "self 范围仅适用于投资者")
    if change.scope != "company" and (wide := WHOLE_COMPANY.intersection(change.permissions)):
        raise refused("scope", f"{', '.join(sorted(wide))}: only with the scope company", "所含权限要求全公司范围")


def _not_for(code: str, permission: str, known: Collection[str]) -> tuple[str, str] | None:
    if permission not in known:
        return "is unknown", "权限不存在"
    if code == INVESTOR and not permission.startswith("self.") and permission not in EVERYBODYS:
        return "is not for investors", "投资者不能拥有此权限"
    return None
