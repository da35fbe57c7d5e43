"""Whoever is moved is found by those who look for changes, and two who move at once do not undo one another."""

from uuid import uuid4

import pytest

from centers.employee import move, queries
from kernel.errors import InvalidInput, NotFound, VersionConflict
from kernel.security.scope import Principal, Reach, Scope
from kernel.store.database import Tx
from mobile_contracts.employee.person import PersonMove

_WHO = Principal(audience="staff", subject="admin", session_id=uuid4(), device_id="d")
ALL = Scope(principal=_WHO, reach=Reach(kind="company"))


@pytest.fixture
async def branch(tx: Tx) -> int:
    """A branch in the company, and Anna who stands above it."""
    await tx.execute(
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest, changed_in)"
        " select 'anna', '安娜', id, 'broker', '2020-01-01', 'hr', '', '3' from unit where kind = 'company'"
    )
    made: int = await tx.fetchval(
        "insert into unit (kind, code, name, parent_id) select 'branch', 'b', 'b', id from unit returning id"
    )
    return made


async def test_a_move_is_a_change_by_staff(tx: Tx, branch: int) -> None:
    wanted = PersonMove(branch)
    before = await move.check_move(tx, ALL, "anna", wanted, None)
    after = await move.do_move(tx, ALL, before, wanted)
    assert (after.unit_id, after.placed_by) == (branch, "staff")
    assert after == await queries.find_person_unit(tx, ALL, "anna")
    assert await tx.fetchval("select changed_in = pg_current_xact_id() from employee")
    with pytest.raises(VersionConflict):
        await move.check_move(tx, ALL, "anna", wanted, before.version)
    given_back = await move.do_give_back(tx, ALL, await move.check_give_back(tx, ALL, "anna"))
    assert (given_back.unit_id, given_back.placed_by) == (branch, "feed")


async def test_somebody_who_is_where_they_belong_can_be_held_there(tx: Tx, branch: int) -> None:
    wanted = PersonMove((await queries.find_person_unit(tx, ALL, "anna")).unit_id)
    after = await move.do_move(tx, ALL, await move.check_move(tx, ALL, "anna", wanted, None), wanted)
    assert (after.unit_id, after.placed_by) == (wanted.unit_id, "staff")


async def test_neither_person_nor_unit_is_made_up(tx: Tx, branch: int) -> None:
    with pytest.raises(NotFound):
        await move.check_move(tx, ALL, "nobody", PersonMove(branch), None)
    with pytest.raises(NotFound):
        await move.check_give_back(tx, Scope(principal=_WHO, reach=Reach(kind="own")), "anna")
    with pytest.raises(InvalidInput):
        await move.check_move(tx, ALL, "anna", PersonMove(2**31 - 1), None)
