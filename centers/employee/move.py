"""One employee goes to another unit, in effect at once for everybody whose reach that changes."""

from pathlib import Path

from msgspec import structs

from centers.employee import organise, queries, rules
from kernel.calendar.days import today
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from kernel.store.version import check_version
from mobile_contracts.employee.person import PersonMove, PersonUnit
from mobile_contracts.event import OrganisationChanged

_sql = load(Path(__file__).with_name("move.sql"))


async def check_move(tx: Tx, scope: Scope, employee_no: str, move: PersonMove, version: int | None) -> PersonUnit:
    """Where the employee stands; raises `NotFound`, `VersionConflict`, or `InvalidInput` where no open unit is."""
    before = await _locked(tx, scope, employee_no)
    await check_version(tx, ("employee", employee_no), before.version, version, move)
    unit = await queries.look_for_unit(tx, move.unit_id)
    if unit is None:
        raise rules.refused("unit_id", "there is no such unit", "机构不存在")
    rules.check_open(unit, today(), "unit_id")
    return before


async def do_move(tx: Tx, scope: Scope, before: PersonUnit, move: PersonMove) -> PersonUnit:
    """Has the employee stand in the unit, whatever a feed says from now on."""
    return await _place(
        tx, scope, "person.move", before, structs.replace(before, unit_id=move.unit_id, placed_by="staff")
    )


async def check_give_back(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    """Where the employee stands; raises `NotFound`."""
    return await _locked(tx, scope, employee_no)


async def do_give_back(tx: Tx, scope: Scope, before: PersonUnit) -> PersonUnit:
    """Lets the feed place the employee again, from its next delivery on."""
    return await _place(tx, scope, "person.place_by_feed", before, structs.replace(before, placed_by="feed"))


async def _locked(tx: Tx, scope: Scope, employee_no: str) -> PersonUnit:
    await organise.lock_tree(tx)
    await _sql.lock(tx, employee_no=employee_no)
    return await queries.find_person_unit(tx, scope, employee_no)


async def _place(tx: Tx, scope: Scope, action: str, before: PersonUnit, wanted: PersonUnit) -> PersonUnit:
    if wanted == before:
        return before
    await _sql.place(tx, employee_no=before.employee_no, unit=wanted.unit_id, placed_by=wanted.placed_by)
    after = await queries.find_person_unit(tx, scope, before.employee_no)
    what = Record(action=action, noun="employee", noun_id=before.employee_no, before=before, after=after)
    await emit(tx, OrganisationChanged(), what)
    return after
