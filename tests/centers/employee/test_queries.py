"""People and units are read page by page, neither skipped nor repeated while others change them."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centers.employee import queries
from centers.employee.queries import PeopleWanted, PersonCursor, UnitCursor
from kernel.errors import NotFound
from kernel.security.scope import Principal, Reach, Scope
from kernel.store.database import Tx
from mobile_contracts.employee.person import PersonOrder

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
    while lines := await queries.list_people(tx, ALL, PeopleWanted(), after, size):
        found += [one.employee_no for one in lines]
        after = queries.cursor_of(lines[-1], order)
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


async def test_units_are_listed_by_kind_and_code(tx: Tx) -> None:
    company = await tx.fetchval("select id from unit where kind = 'company'")
    for code in ("b", "a", "C"):
        await tx.execute(
            "insert into unit (kind, code, name, parent_id) values ('region', $1, '区', $2)", code, company
        )
    found, after = list[str](), UnitCursor()
    while units := await queries.list_units(tx, after, 1, None, None, ended=None):
        found += [one.code for one in units]
        after = UnitCursor(units[-1].kind, units[-1].code)
    assert found[0] == "company"
    assert sorted(found[1:]) == ["C", "a", "b"]


async def test_what_is_not_there_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await queries.find_unit(tx, 999_999)
    with pytest.raises(NotFound):
        await queries.find_role(tx, "king")
    with pytest.raises(NotFound):
        await queries.find_person(tx, ALL, "nobody")


@pytest.mark.parametrize(
    "reach", [Reach(), Reach(kind="own"), Reach(kind="branch", branches=(999_999,)), Reach(kind="self")]
)
async def test_a_reach_over_nobody_shows_nobody(tx: Tx, reach: Reach) -> None:
    await hire(tx, {"1": ("王", 1)})
    scope = Scope(principal=WHO, reach=reach)
    assert await queries.list_people(tx, scope, PeopleWanted(), PersonCursor("name"), 5) == []
    with pytest.raises(NotFound):
        await queries.find_person_roles(tx, scope, "1")
