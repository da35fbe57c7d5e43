"""People are read page by page, and moved: whoever looks for changes finds them, and two at once undo nothing."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centers.employee import assignment, person
from centers.employee.person import PeopleWanted, PersonCursor
from kernel.errors import InvalidInput, NotFound, VersionConflict
from kernel.security.scope import Principal, Reach, Scope
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.employee.person import PersonMove, PersonOrder
from tests.brokerage import small

WHO = Principal(audience="staff", subject="admin", session_id=uuid4(), device_id="d")
ALL = Scope(principal=WHO, reach=Reach(kind="company"))
NAMES = st.sampled_from(["王一", "王二", "Wang", "王", "ÿ", "z"])
PEOPLE = st.dictionaries(
    st.from_regex("[0-9a-z]{1,4}", fullmatch=True), st.tuples(NAMES, st.integers(0, 3)), max_size=9
)


async def hire(tx: Tx, people: dict[str, tuple[str, int]]) -> None:
    await tx.executemany(
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
        " select $1, $2, id, 'broker', date '2020-01-01' + $3::integer, 'hr', '' from unit where kind = 'company'",
        [(number, name, day) for number, (name, day) in people.items()],
    )


async def pages(tx: Tx, order: PersonOrder, size: int, between: Any) -> list[str]:
    """Numbers page by page; `between` happens after each page."""
    found, after = list[str](), PersonCursor(order)
    while lines := await person.list_people(tx, ALL, PeopleWanted(), after, size):
        found += [one.employee_no for one in lines]
        after = PersonCursor.at(lines[-1], order)
        await between(lines)
    return found


@given(PEOPLE, PEOPLE, st.sampled_from(["employee_no", "name", "hired_on"]), st.integers(1, 4))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_who_is_there_all_the_while_is_seen_exactly_once(
    owner_tx: Tx,
    people: dict[str, tuple[str, int]],
    newcomers: dict[str, tuple[str, int]],
    order: PersonOrder,
    size: int,
) -> None:
    outer: Any = owner_tx.transaction()
    await outer.start()
    await hire(owner_tx, people)
    waiting = [(f"n-{number}", told) for number, told in newcomers.items()]
    gone: set[str] = set()

    async def change(seen: list[Any]) -> None:
        """Somebody comes in, somebody already seen goes: only the owner of the tables can have that."""
        if waiting:
            await hire(owner_tx, dict([waiting.pop()]))
        gone.add(seen[0].employee_no)
        await owner_tx.execute("delete from employee where employee_no = $1", seen[0].employee_no)

    found = await pages(owner_tx, order, size, change)
    assert len(found) == len(set(found))
    assert set(people) <= set(found)
    await outer.rollback()


async def test_what_is_not_there_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await person.find(tx, ALL, "nobody")


@pytest.mark.parametrize(
    "reach", [Reach(), Reach(kind="own"), Reach(kind="branch", branches=(999_999,)), Reach(kind="self")]
)
async def test_a_reach_over_nobody_shows_nobody(tx: Tx, reach: Reach) -> None:
    await hire(tx, {"1": ("王", 1)})
    scope = Scope(principal=WHO, reach=reach)
    assert await person.list_people(tx, scope, PeopleWanted(), PersonCursor("name"), 5) == []
    with pytest.raises(NotFound):
        await assignment.find(tx, scope, "1")


async def test_the_path_of_units_goes_from_the_company_down(database: Database, own_settings: Settings) -> None:
    house = await small(database, own_settings)
    async with database.transaction() as tx:
        found = await person.find_oneself(tx, house.employees["1001"])
        assert found is not None
        assert found.unit == ["总公司", "north", "b1", "t1"]
        assert await person.find_oneself(tx, None) is None


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
    before = await person.find_unit(tx, ALL, "anna")
    after = await person.move(tx, ALL, "anna", wanted, None)
    assert (after.unit_id, after.placed_by) == (branch, "staff")
    assert after == await person.find_unit(tx, ALL, "anna")
    assert await tx.fetchval("select changed_in = pg_current_xact_id() from employee")
    with pytest.raises(VersionConflict):
        await person.move(tx, ALL, "anna", wanted, before.version)
    given_back = await person.give_back(tx, ALL, "anna")
    assert (given_back.unit_id, given_back.placed_by) == (branch, "feed")


async def test_somebody_who_is_where_they_belong_can_be_held_there(tx: Tx, branch: int) -> None:
    wanted = PersonMove((await person.find_unit(tx, ALL, "anna")).unit_id)
    after = await person.move(tx, ALL, "anna", wanted, None)
    assert (after.unit_id, after.placed_by) == (wanted.unit_id, "staff")


async def test_neither_person_nor_unit_is_made_up(tx: Tx, branch: int) -> None:
    with pytest.raises(NotFound):
        await person.move(tx, ALL, "nobody", PersonMove(branch), None)
    with pytest.raises(NotFound):
        await person.give_back(tx, Scope(principal=WHO, reach=Reach(kind="own")), "anna")
    with pytest.raises(InvalidInput):
        await person.move(tx, ALL, "anna", PersonMove(2**31 - 1), None)
