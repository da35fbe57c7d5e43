"""Units follow the feeds, except those that staff placed; people stand in their team or branch."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from centers.employee import person, unit
from kernel.security.scope import Principal, Reach, Scope, apply
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.employee.person import PersonMove
from mobile_contracts.employee.unit import UnitChange, UnitMerge
from tests.workers.collection.maker import Maker, a_day, row, rows, take

_TREE = """
select u.kind, u.code, p.code, u.ended_on::text
  from unit u join unit p on p.id = u.parent_id order by u.kind, u.code"""
_PLACES = "select e.employee_no, u.code from employee e join unit u on u.id = e.unit_id order by 1"

_WRITTEN = """
select 'unit', code, version from unit
union all select 'employee', employee_no, version from employee
union all select kind, '', 0 from outbox where kind = 'OrganisationChanged'"""
_WHO = Principal(audience="staff", subject="1010", session_id=uuid4(), device_id="d")
_ADMIN = Scope(principal=_WHO, reach=Reach(kind="company"))
_TWO = [row("branch"), row("branch", branch_code="B2", name="滨江道营业部")]


class Staff:
    """An administrator who changes the organisation between deliveries; units by their codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rename(self, code: str, name: str) -> None:
        async def change(tx: Tx) -> None:
            ((unit_id, parent),) = await tx.fetch("select id, parent_id from unit where code = $1", code)
            wanted = UnitChange(name, parent)
            await unit.change(tx, unit_id, wanted, None)

        await self._do(change)

    async def move(self, code: str, to: str) -> None:
        async def change(tx: Tx) -> None:
            ((unit_id, name),) = await tx.fetch("select id, name from unit where code = $1", code)
            wanted = UnitChange(name, await self._id(tx, to))
            await unit.change(tx, unit_id, wanted, None)

        await self._do(change)

    async def merge(self, code: str, into: str) -> None:
        async def change(tx: Tx) -> None:
            await unit.merge(tx, await self._id(tx, code), UnitMerge(await self._id(tx, into)))

        await self._do(change)

    async def end(self, code: str) -> None:
        async def change(tx: Tx) -> None:
            await unit.end(tx, await self._id(tx, code))

        await self._do(change)

    async def give_back(self, code: str) -> None:
        async def change(tx: Tx) -> None:
            await unit.give_back(tx, await self._id(tx, code))

        await self._do(change)

    async def place(self, employee_no: str, to: str) -> None:
        async def change(tx: Tx) -> None:
            await person.move(tx, _ADMIN, employee_no, PersonMove(await self._id(tx, to)), None)

        await self._do(change)

    async def let_go(self, employee_no: str) -> None:
        async def change(tx: Tx) -> None:
            await person.give_back(tx, _ADMIN, employee_no)

        await self._do(change)

    async def _do(self, change: Callable[[Tx], Awaitable[None]]) -> None:
        async with self._database.transaction() as tx:
            await apply(tx, _ADMIN)
            await change(tx)

    async def _id(self, tx: Tx, code: str) -> int:
        found: int = await tx.fetchval("select id from unit where code = $1", code)
        return found


@pytest.fixture
def staff(database: Database) -> Staff:
    """Who changes the organisation by hand."""
    return Staff(database)


class Days:
    """Deliveries of one day after another."""

    def __init__(self, settings: Settings, maker: Maker) -> None:
        self._settings, self._maker, self._day = settings, maker, 1

    async def next(self, **feeds: Any) -> str:
        """Loads the next day with these rows; gives the report."""
        self._day += 1
        good, said = await take(self._settings, self._maker.deliver(a_day(**feeds), f"2026-11-{self._day:02}"))
        assert good, said
        return said

    async def quiet(self, **feeds: Any) -> None:
        """Loads the next day, which writes no unit and no employee and tells nobody."""
        before = sorted(await rows(self._settings, _WRITTEN))
        said = await self.next(**feeds)
        assert sorted(await rows(self._settings, _WRITTEN)) == before, said
        assert await rows(self._settings, "select sum(changed) from delivery where day = $1", _date(self._day)) == [
            (0,)
        ], said


def _date(day: int) -> date:
    return date(2026, 11, day)


@pytest.fixture
def days(own_settings: Settings, maker: Maker) -> Days:
    """The calendar of a test."""
    return Days(own_settings, maker)


async def test_the_tree_is_made_from_the_feeds(own_settings: Settings, maker: Maker) -> None:
    people = [row("employee"), row("employee", employee_no="E2", team_code="")]
    await take(own_settings, maker.deliver(a_day(employee=people)))
    assert await rows(own_settings, _TREE) == [
        ("branch", "B1", "R1", None),
        ("region", "R1", "company", None),
        ("team", "T1", "B1", None),
    ]
    assert await rows(own_settings, _PLACES) == [("E1", "T1"), ("E2", "B1")]
    under = "select a.code from unit_under x join unit a on a.id = x.ancestor_id join unit u on u.id = x.unit_id"
    assert await rows(own_settings, f"{under} where u.code = 'T1' order by x.depth") == [
        ("T1",), ("B1",), ("R1",), ("company",)
    ]  # fmt: skip


async def test_branches_are_renamed_moved_and_ended(own_settings: Settings, maker: Maker) -> None:
    two = [row("branch"), row("branch", branch_code="B2", region_code="R2")]
    await take(own_settings, maker.deliver(a_day(branch=two), "2026-11-18"))
    moved = [row("branch", region_code="R2", name="新名")]
    await take(own_settings, maker.deliver(a_day(branch=moved), "2026-11-19"))
    assert await rows(own_settings, _TREE) == [
        ("branch", "B1", "R2", None),
        ("branch", "B2", "R2", "2026-11-19"),
        ("region", "R1", "company", "2026-11-19"),
        ("region", "R2", "company", None),
        ("team", "T1", "B1", None),
    ]
    assert await rows(own_settings, "select name from unit where code = 'B1'") == [("新名",)]


async def test_a_feed_leaves_alone_what_staff_placed(own_settings: Settings, maker: Maker) -> None:
    two = [row("branch"), row("branch", branch_code="B2")]
    await take(own_settings, maker.deliver(a_day(branch=two), "2026-11-18"))
    await rows(
        own_settings,
        "update unit set parent_id = (select id from unit where code = 'B2'), placed_by = 'staff'"
        " where code = 'T1' returning id",
    )
    people = [row("employee"), row("employee", employee_no="E2")]
    await take(own_settings, maker.deliver(a_day(branch=two, employee=people), "2026-11-19"))
    assert ("team", "T1", "B2", None) in await rows(own_settings, _TREE)
    assert await rows(own_settings, _PLACES) == [("E1", "T1"), ("E2", "T1")]


async def test_a_team_whose_people_all_moved_moves_with_them(own_settings: Settings, maker: Maker) -> None:
    two = [row("branch"), row("branch", branch_code="B2")]
    await take(own_settings, maker.deliver(a_day(branch=two), "2026-11-18"))
    await take(
        own_settings, maker.deliver(a_day(branch=two, employee=[row("employee", branch_code="B2")]), "2026-11-19")
    )
    assert ("team", "T1", "B2", None) in await rows(own_settings, _TREE)
    assert await rows(own_settings, _PLACES) == [("E1", "T1")]


async def test_a_renamed_branch_keeps_its_name(days: Days, staff: Staff, own_settings: Settings) -> None:
    await days.next(branch=_TWO)
    for code, name in (("B1", "旗舰营业部"), ("R1", "长三角")):
        await staff.rename(code, name)
    await days.quiet(branch=_TWO)
    names = await rows(own_settings, "select name from unit where code in ('B1', 'R1') order by code")
    assert names == [("旗舰营业部",), ("长三角",)]
    await staff.give_back("B1")
    await days.next(branch=_TWO)
    assert await rows(own_settings, "select name from unit where code = 'B1'") == [(row("branch")["name"],)]


async def test_what_staff_renamed_does_not_end_with_its_feed(days: Days, staff: Staff, own_settings: Settings) -> None:
    await days.next(branch=_TWO)
    await staff.rename("B2", "滨江道旗舰店")
    await days.quiet()
    assert ("branch", "B2", "R1", None) in await rows(own_settings, _TREE)


async def test_a_merge_outlives_every_later_delivery(days: Days, staff: Staff, own_settings: Settings) -> None:
    people = [row("employee"), row("employee", employee_no="E2", team_code="")]
    await days.next(branch=_TWO, employee=people)
    await staff.merge("B1", "B2")
    placed = [("E1", "T1"), ("E2", "B2")]
    tree = await rows(own_settings, _TREE)
    assert await rows(own_settings, _PLACES) == placed
    assert [one[:3] for one in tree if one[0] != "region"] == [
        ("branch", "B1", "B2"), ("branch", "B2", "R1"), ("team", "T1", "B2"),
    ]  # fmt: skip
    await days.quiet(branch=_TWO, employee=people)
    fresh = [row("employee", employee_no="E3"), row("employee", employee_no="E4", team_code="T4")]
    await days.next(branch=_TWO, employee=[*people, *fresh])
    assert await rows(own_settings, _PLACES) == [*placed, ("E3", "T1"), ("E4", "T4")]
    assert ("team", "T4", "B2", None) in await rows(own_settings, _TREE)
    await days.quiet(branch=_TWO, employee=[*people, *fresh])
    await days.quiet(branch=_TWO, employee=[*people, *fresh])


async def test_of_several_merges_the_last_counts(days: Days, staff: Staff, own_settings: Settings) -> None:
    three = [*_TWO, row("branch", branch_code="B3", region_code="R2")]
    people = [row("employee", team_code="")]
    await days.next(branch=three, employee=people)
    await staff.merge("B1", "B2")
    await staff.merge("B2", "B3")
    await days.quiet(branch=three, employee=people)
    assert await rows(own_settings, _PLACES) == [("E1", "B3")]


@pytest.mark.parametrize("how", ["move", "give back"])
async def test_a_merge_that_is_undone_gives_people_and_teams_back(
    days: Days, staff: Staff, own_settings: Settings, how: str
) -> None:
    people = [row("employee"), row("employee", employee_no="E2", team_code="")]
    await days.next(branch=_TWO, employee=people)
    await staff.merge("B1", "B2")
    if how == "move":
        await staff.move("B1", "R1")
    else:
        await staff.give_back("B1")
    await days.next(branch=_TWO, employee=people)
    assert await rows(own_settings, _PLACES) == [("E1", "T1"), ("E2", "B1")]
    assert {("branch", "B1", "R1", None), ("team", "T1", "B1", None)} <= set(await rows(own_settings, _TREE))
    await days.quiet(branch=_TWO, employee=people)


async def test_a_moved_branch_or_team_stays(days: Days, staff: Staff, own_settings: Settings) -> None:
    three = [*_TWO, row("branch", branch_code="B3", region_code="R2")]
    await days.next(branch=three)
    await staff.move("B1", "R2")
    await staff.move("T1", "B2")
    await days.quiet(branch=three)
    assert {("branch", "B1", "R2", None), ("team", "T1", "B2", None)} <= set(await rows(own_settings, _TREE))
    assert await rows(own_settings, _PLACES) == [("E1", "T1")]


async def test_an_ended_unit_stays_ended_and_nobody_new_stands_in_it(
    days: Days, staff: Staff, own_settings: Settings
) -> None:
    people = [row("employee")]
    await days.next(branch=_TWO, employee=people)
    await staff.place("E1", "B2")
    await staff.end("T1")
    people += [row("employee", employee_no="E2")]
    await days.next(branch=_TWO, employee=people)
    assert await rows(own_settings, "select count(*) from unit where code = 'T1' and ended_on is not null") == [(1,)]
    assert await rows(own_settings, _PLACES) == [("E1", "B2"), ("E2", "B1")]
    await days.quiet(branch=_TWO, employee=people)


async def test_a_person_whom_staff_placed_stays_until_given_back(
    days: Days, staff: Staff, own_settings: Settings
) -> None:
    await days.next(branch=_TWO)
    await staff.place("E1", "B2")
    await days.quiet(branch=_TWO)
    await days.next(branch=_TWO, employee=[row("employee", name="王大伟")])
    assert await rows(own_settings, _PLACES) == [("E1", "B2")]
    await staff.let_go("E1")
    await days.next(branch=_TWO, employee=[row("employee", name="王大伟")])
    assert await rows(own_settings, _PLACES) == [("E1", "T1")]


@pytest.mark.parametrize("change", [{"branch_code": "B2"}, {"team_code": ""}])
async def test_whoever_moves_is_told_of_to_all(days: Days, own_settings: Settings, change: dict[str, str]) -> None:
    await days.next(branch=_TWO)
    told = "select count(*) from outbox where kind = 'OrganisationChanged'"
    ((before,),) = await rows(own_settings, told)
    await days.next(branch=_TWO, employee=[row("employee", **change)])
    assert await rows(own_settings, told) == [(before + 1,)]
