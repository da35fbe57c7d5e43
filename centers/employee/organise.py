"""Changes of the organisation, in effect at once: a lock makes them wait for one another, and for a feed's."""

from pathlib import Path

from msgspec import Struct, structs

from centers.employee import queries, rules
from centers.employee.rules import Standing
from kernel.calendar.days import today
from kernel.events.outbox import Record, emit, record
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.unit import Unit, UnitChange, UnitMerge, UnitNew
from mobile_contracts.event import OrganisationChanged

_TREE = 0x55_4E_49_54  # "UNIT": the lock that the trigger on `unit` takes too
_sql = load(Path(__file__).with_name("organise.sql"), Unit, Standing)


class Moved(Struct, frozen=True):
    """The employees who went from one unit to another."""

    into: int
    employees: list[str]


async def lock_tree(tx: Tx) -> None:
    """Has whoever else changes the organisation wait until this transaction ends."""
    await _sql.lock_tree(tx, key=_TREE)


async def check_new_unit(tx: Tx, wanted: UnitNew) -> None:
    """Raises `InvalidInput` when a unit of this kind may not stand there."""
    await lock_tree(tx)
    rules.check_place(wanted.kind, await queries.look_for_unit(tx, wanted.parent_id), today())


async def do_create_unit(tx: Tx, wanted: UnitNew) -> Unit:
    """Makes a unit; raises `InvalidInput` when another of its kind has the code."""
    made: Unit | None = await _sql.add_unit(
        tx, kind=wanted.kind, code=wanted.code, name=wanted.name, parent_id=wanted.parent_id
    )
    if made is None:
        raise rules.refused("code", f"another {wanted.kind} has this code", "代码已被同类机构使用")
    return await _tell(tx, "unit.create", None, made)


async def check_change_unit(tx: Tx, unit_id: int, change: UnitChange, version: int | None) -> Unit:
    """The unit as it is; raises `NotFound`, `VersionConflict`, or `InvalidInput` when it may not stand there."""
    before = await _locked(tx, unit_id)
    await check_version(tx, ("unit", str(unit_id)), before.version, version, change)
    stood_below = await queries.look_for_unit(tx, before.parent_id)
    rules.check_change(before, stood_below, await queries.look_for_unit(tx, change.parent_id), change, today())
    return before


async def do_change_unit(tx: Tx, before: Unit, change: UnitChange) -> Unit:
    """Renames the unit, or moves it with all that is below; one that was merged lives again when it moves away."""
    moves = change.parent_id != before.parent_id
    if change.name == before.name and not moves:
        return before
    after = structs.replace(
        before, name=change.name, parent_id=change.parent_id, placed_by="staff",
        ended_on=None if moves else before.ended_on,
    )  # fmt: skip
    return await _tell(tx, "unit.change", before, await _write(tx, after))


async def check_merge_unit(tx: Tx, unit_id: int, merge: UnitMerge) -> Unit:
    """The branch as it is; raises `NotFound`, or `InvalidInput` when it cannot be merged into the other."""
    before = await _locked(tx, unit_id)
    above = await _sql.above(tx, unit=merge.into)
    rules.check_merge(before, await queries.look_for_unit(tx, merge.into), above, today())
    return before


async def do_merge_unit(tx: Tx, before: Unit, merge: UnitMerge) -> Unit:
    """Ends the branch below the other one, which so reaches its customers; teams, employees and roles go over to it.

    Teams that a feed placed stay the feed's: should the merge be undone, they go back with the next delivery.
    """
    children: list[Unit] = await _sql.children(tx, id=before.id)
    for child in children:
        await _record(tx, "unit.change", child, await _write(tx, structs.replace(child, parent_id=merge.into)))
    employees = [row[0] for row in await _sql.move_employees(tx, unit=before.id, into=merge.into)]
    what = Record(
        action="unit.move_employees", noun="staff", noun_id=str(before.id), after=Moved(merge.into, sorted(employees))
    )
    await record(tx, what)
    if holders := [row[0] for row in await _sql.move_roles(tx, unit=before.id, into=merge.into)]:
        moved = Moved(merge.into, sorted(set(holders)))
        await record(tx, Record(action="unit.move_roles", noun="staff", noun_id=str(before.id), after=moved))
    after = structs.replace(before, parent_id=merge.into, placed_by="staff", ended_on=today())
    return await _tell(tx, "unit.merge", before, await _write(tx, after))


async def check_end_unit(tx: Tx, unit_id: int) -> Unit:
    """The unit as it is; raises `NotFound`, `InvalidInput` or, while somebody or something stands in it, `NotEmpty`."""
    before = await _locked(tx, unit_id)
    rules.check_end(before, await _sql.standing(tx, unit=unit_id), today())
    return before


async def do_end_unit(tx: Tx, before: Unit) -> Unit:
    """Ends the unit today; a feed leaves it so."""
    after = structs.replace(before, placed_by="staff", ended_on=today())
    return await _tell(tx, "unit.end", before, await _write(tx, after))


async def check_give_back_unit(tx: Tx, unit_id: int) -> Unit:
    """The unit as it is; raises `NotFound`, or `InvalidInput` for the company, which no feed places."""
    before = await _locked(tx, unit_id)
    if before.kind == "company":
        raise rules.refused("kind", "no feed places the company", "总公司不由数据源维护")
    return before


async def do_give_back_unit(tx: Tx, before: Unit) -> Unit:
    """Lets the feed name and place the unit again, from its next delivery on."""
    if before.placed_by == "feed":
        return before
    return await _tell(tx, "unit.place_by_feed", before, await _sql.give_back_unit(tx, id=before.id))


async def _locked(tx: Tx, unit_id: int) -> Unit:
    await lock_tree(tx)
    return await queries.find_unit(tx, unit_id)


async def _write(tx: Tx, unit: Unit) -> Unit:
    after: Unit = await _sql.change_unit(
        tx, id=unit.id, name=unit.name, parent_id=unit.parent_id, placed_by=unit.placed_by, ended_on=unit.ended_on
    )
    return after


async def _record(tx: Tx, action: str, before: Unit | None, after: Unit) -> None:
    await record(tx, Record(action=action, noun="unit", noun_id=str(after.id), before=before, after=after))


async def _tell(tx: Tx, action: str, before: Unit | None, after: Unit) -> Unit:
    await _record(tx, action, before, after)
    await emit(tx, OrganisationChanged())
    return after
