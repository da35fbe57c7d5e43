"""What fits in the organisation, told by field where it does not; no I/O."""

from collections.abc import Collection
from datetime import date

from msgspec import Struct

from kernel.errors import FieldError, InvalidInput, NotEmpty
from mobile_contracts.employee.unit import Unit, UnitChange, UnitKind

KINDS: tuple[UnitKind, ...] = ("company", "region", "branch", "team")
"""From the top down: each stands below one of the kind before it."""


class Standing(Struct, frozen=True):
    """What stands in a unit today: open units right below it, and who works or is a customer there or below."""

    units: int
    employees: int
    customers: int


def refused(field: str, message: str, message_zh: str) -> InvalidInput:
    """The error that one field is not valid."""
    return InvalidInput(errors=[FieldError(field, message, message_zh)])


def is_merged(unit: Unit, parent: Unit) -> bool:
    """Whether the unit is a branch that was merged into its parent."""
    return unit.kind == "branch" and parent.kind == "branch"


def has_ended(unit: Unit, today: date) -> bool:
    """Whether the unit is gone today."""
    return unit.ended_on is not None and unit.ended_on <= today


def check_place(kind: UnitKind, parent: Unit | None, today: date, field: str = "parent_id") -> None:
    """Raises `InvalidInput` unless a unit of the kind may stand below the parent."""
    if kind == "company":
        raise refused(field, "the company stands below nothing", "总公司没有上级机构")
    if parent is None:
        raise refused(field, "there is no such unit", "机构不存在")
    wanted = KINDS[KINDS.index(kind) - 1]
    if parent.kind != wanted:
        raise refused(field, f"a {kind} stands below a {wanted}", "上级机构的类型不符")
    check_open(parent, today, field)


def check_open(unit: Unit, today: date, field: str) -> None:
    """Raises `InvalidInput` when the unit is gone."""
    if fault := fault_of_ended(unit, today, field):
        raise InvalidInput(errors=[fault])


def fault_of_ended(unit: Unit, today: date, field: str) -> FieldError | None:
    """What is wrong with a field that names a unit which is gone, null for one which is not."""
    if not has_ended(unit, today):
        return None
    return FieldError(field, f"this unit ended on {unit.ended_on}", f"该机构已于 {unit.ended_on} 终止")


def check_change(unit: Unit, stood_below: Unit | None, parent: Unit | None, change: UnitChange, today: date) -> None:
    """Raises `InvalidInput` unless the unit may be called and stand as the change says.

    One that is gone stays as it is, but a merged branch that moves away becomes a branch again.
    """
    moves = change.parent_id != unit.parent_id
    merged = stood_below is not None and is_merged(unit, stood_below)
    if has_ended(unit, today) and not (moves and merged):
        raise ended(unit)
    if moves:
        check_place(unit.kind, parent, today)


def ended(unit: Unit) -> InvalidInput:
    """The error that a unit is gone."""
    return InvalidInput(f"this unit ended on {unit.ended_on}", f"该机构已于 {unit.ended_on} 终止")


def check_merge(unit: Unit, into: Unit | None, above_into: Collection[int], today: date) -> None:
    """Raises `InvalidInput` unless one open branch may be merged into another, which does not stand below it."""
    if into is None:
        raise refused("into", "there is no such unit", "机构不存在")
    if unit.kind != "branch" or into.kind != "branch":
        raise refused("into", "only a branch is merged, into another branch", "仅营业部之间可以合并")
    if unit.id == into.id or unit.id in above_into:
        raise refused("into", "a branch cannot be merged into itself or one below it", "不能并入自身或其下级")
    if has_ended(unit, today):
        raise ended(unit)
    check_open(into, today, "into")


def check_end(unit: Unit, standing: Standing, today: date) -> None:
    """Raises `InvalidInput` for the company or a unit that is gone, `NotEmpty` naming what still stands in it."""
    if unit.kind == "company":
        raise refused("kind", "the company does not end", "总公司不能终止")
    if has_ended(unit, today):
        raise ended(unit)
    if standing.units or standing.employees or standing.customers:
        raise NotEmpty(
            f"open units below it: {standing.units}, employees: {standing.employees}, customers: {standing.customers}",
            f"下级机构 {standing.units} 个,员工 {standing.employees} 人,客户 {standing.customers} 户",
        )
