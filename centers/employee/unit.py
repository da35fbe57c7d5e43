"""Units (机构): read, and changed in effect at once; a lock makes changes wait for one another, and for a feed's."""

from pathlib import Path

from msgspec import Struct, structs

from centers.employee import unit_rules as rules
from centers.employee.unit_rules import KINDS, Standing
from kernel.calendar.days import today
from kernel.errors import NotFound
from kernel.events.outbox import Record, emit, record
from kernel.store.cursor import Cursor, Words
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.unit import Unit, UnitChange, UnitKind, UnitLine, UnitMerge, UnitNew
from mobile_contracts.event import OrganisationChanged

_TREE = 0x55_4E_49_54  # "UNIT": the lock that the trigger on `unit` takes too
_sql = load(Path(__file__).with_name("unit.sql"), Unit, UnitLine, Standing)


class UnitCursor(Cursor, frozen=True):
    """The last unit of a page; kind and code of a unit never change."""

    kind: UnitKind = "company"
    code: Words = ""


class Moved(Struct, frozen=True):
    """The employees who went from one unit to another."""

    into: int
    employees: list[str]


async def find(tx: Tx, unit_id: int) -> Unit:
    """One unit; raises `NotFound`."""
    found = await look_for(tx, unit_id)
    if found is None:
        raise NotFound
    return found


async def look_for(tx: Tx, unit_id: int | None) -> Unit | None:
    """One unit, null when there is none."""
    found: Unit | None = await _sql.find(tx, id=unit_id)
    return found


async def list_units(
    tx: Tx, after: UnitCursor, size: int, kind: UnitKind | None, parent: int | None, *, ended: bool | None
) -> list[UnitLine]:
    """Units from the company down, by kind and code."""
    units: list[UnitLine] = await _sql.list(
        tx, kind=kind, parent=parent, ended=ended, after_rank=KINDS.index(after.kind) + 1, after_code=after.code,
        size=size,
    )  # fmt: skip
    return units


async def lock_tree(tx: Tx) -> None:
    """Has whoever else changes the organisation wait until this transaction ends."""
    await _sql.lock_tree(tx, key=_TREE)


async def create(tx: Tx, wanted: UnitNew) -> Unit:
    """Makes a unit.

    Raises `InvalidInput` when a unit of this kind may not stand there, or another of its kind has the code.
    """
    await lock_tree(tx)
    rules.check_place(wanted.kind, await look_for(tx, wanted.parent_id), today())
    made: Unit | None = await _sql.add(
        tx, kind=wanted.kind, code=wanted.code, name=wanted.name, parent_id=wanted.parent_id
    )
    if made is None:
        raise rules.refused("code", f"another {wanted.kind} has this code", "代码已被同类机构使用")
    return await _tell(tx, "unit.create", None, made)


async def change(tx: Tx, unit_id: int, wanted: UnitChange, version: int | None) -> Unit:
    """Renames the unit, or moves it with all that is below; one that was merged lives again when it moves away.

    Raises `NotFound`, `VersionConflict`, or `InvalidInput` when it may not stand there.
    """
    before = await _check_change(tx, unit_id, wanted, version)
    moves = wanted.parent_id != before.parent_id
    if wanted.name == before.name and not moves:
        return before
    after = structs.replace(
        before, name=wanted.name, parent_id=wanted.parent_id, placed_by="staff",
        ended_on=None if moves else before.ended_on,
    )  # fmt: skip
    return await _tell(tx, "unit.change", before, await _write(tx, after))


async def merge(tx: Tx, unit_id: int, wanted: UnitMerge) -> Unit:
    """Ends the branch below the other one, which so reaches its customers; teams, employees and roles go over to it.

    Teams that a feed placed stay the feed's: should the merge be undone, they go back with the next delivery. Raises
    `NotFound`, or `InvalidInput` when the branch cannot be merged into the other.
    """
    before = await _check_merge(tx, unit_id, wanted)
    children: list[Unit] = await _sql.children(tx, id=before.id)
    for child in children:
        await _record(tx, "unit.change", child, await _write(tx, structs.replace(child, parent_id=wanted.into)))
    await _move_people(tx, before.id, wanted.into)
    after = structs.replace(before, parent_id=wanted.into, placed_by="staff", ended_on=today())
    return await _tell(tx, "unit.merge", before, await _write(tx, after))


async def end(tx: Tx, unit_id: int) -> Unit:
    """Ends the unit today; a feed leaves it so.

    Raises `NotFound`, `InvalidInput` or, while somebody or something stands in it, `NotEmpty`.
    """
    before = await _locked(tx, unit_id)
    rules.check_end(before, await _sql.standing(tx, unit=unit_id), today())
    after = structs.replace(before, placed_by="staff", ended_on=today())
    return await _tell(tx, "unit.end", before, await _write(tx, after))


async def give_back(tx: Tx, unit_id: int) -> Unit:
    """Lets the feed name and place the unit again, from its next delivery on.

    Raises `NotFound`, or `InvalidInput` for the company, which no feed places.
    """
    before = await _locked(tx, unit_id)
    if before.kind == "company":
        raise rules.refused("kind", "no feed places the company", "总公司不由数据源维护")
    if before.placed_by == "feed":
        return before
    return await _tell(tx, "unit.place_by_feed", before, await _sql.give_back(tx, id=before.id))


async def _check_change(tx: Tx, unit_id: int, wanted: UnitChange, version: int | None) -> Unit:
    before = await _locked(tx, unit_id)
    await check_version(tx, ("unit", str(unit_id)), before.version, version, wanted)
    stood_below = await look_for(tx, before.parent_id)
    rules.check_change(before, stood_below, await look_for(tx, wanted.parent_id), wanted, today())
    return before


async def _check_merge(tx: Tx, unit_id: int, wanted: UnitMerge) -> Unit:
    before = await _locked(tx, unit_id)
    above = await _sql.above(tx, unit=wanted.into)
    rules.check_merge(before, await look_for(tx, wanted.into), above, today())
    return before


async def _move_people(tx: Tx, unit_id: int, into: int) -> None:
    """Has whoever stands in the unit, and whoever holds a role over it, do so in the other."""
    employees = [row[0] for row in await _sql.move_employees(tx, unit=unit_id, into=into)]
    moved = Moved(into, sorted(employees))
    await record(tx, Record(action="unit.move_employees", noun="staff", noun_id=str(unit_id), after=moved))
    if holders := [row[0] for row in await _sql.move_roles(tx, unit=unit_id, into=into)]:
        moved = Moved(into, sorted(set(holders)))
        await record(tx, Record(action="unit.move_roles", noun="staff", noun_id=str(unit_id), after=moved))


async def _locked(tx: Tx, unit_id: int) -> Unit:
    await lock_tree(tx)
    return await find(tx, unit_id)


async def _write(tx: Tx, unit: Unit) -> Unit:
    after: Unit = await _sql.change(
        tx, id=unit.id, name=unit.name, parent_id=unit.parent_id, placed_by=unit.placed_by, ended_on=unit.ended_on
    )
    return after


async def _record(tx: Tx, action: str, before: Unit | None, after: Unit) -> None:
    await record(tx, Record(action=action, noun="unit", noun_id=str(after.id), before=before, after=after))


async def _tell(tx: Tx, action: str, before: Unit | None, after: Unit) -> Unit:
    await _record(tx, action, before, after)
    await emit(tx, OrganisationChanged())
    return after
