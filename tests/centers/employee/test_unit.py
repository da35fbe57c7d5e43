"""Whatever is done to the tree, reach follows it exactly, and no unit ever stands below itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from centers.employee import unit
from centers.employee.unit import UnitCursor
from kernel.errors import HexadError, NotFound
from kernel.store.database import Tx
from mobile_contracts.employee.unit import UnitChange, UnitMerge, UnitNew

KINDS = st.sampled_from(["region", "branch", "team"])
PLACES = st.integers(0, 11)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), KINDS, PLACES),
        st.tuples(st.just("move"), PLACES, PLACES),
        st.tuples(st.just("merge"), PLACES, PLACES),
        st.tuples(st.just("feed"), PLACES, PLACES),
    ),
    max_size=14,
)


class Tree:
    """The units of one example, named by the order in which they came."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.ids = tx, list[int]()

    async def plant(self) -> None:
        """A company with two regions of two branches each."""
        self.ids = [await self.tx.fetchval("select id from unit where kind = 'company'")]
        for kind, above in (("region", 0), ("region", 0), ("branch", 1), ("branch", 1), ("branch", 2), ("branch", 2)):
            await self.create(kind, above)

    async def create(self, kind: Any, above: int) -> None:
        wanted = UnitNew(kind, f"u{len(self.ids)}", "单位", self._id(above))
        self.ids.append((await unit.create(self.tx, wanted)).id)

    async def move(self, one: int, above: int) -> None:
        await unit.change(self.tx, self._id(one), UnitChange("moved", self._id(above)), None)

    async def merge(self, one: int, into: int) -> None:
        await unit.merge(self.tx, self._id(one), UnitMerge(self._id(into)))

    async def feed(self, unit: int, above: int) -> None:
        """A feed is not bound by our rules, only by the trigger."""
        await self.tx.execute(
            "update unit set parent_id = $2 where id = $1 and parent_id is not null", self._id(unit), self._id(above)
        )

    async def closure(self) -> set[tuple[int, int, int]]:
        """What the database says stands under what, at which depth."""
        return {tuple(row) for row in await self.tx.fetch("select ancestor_id, unit_id, depth from unit_under")}

    async def parents(self) -> dict[int, int | None]:
        return {row[0]: row[1] for row in await self.tx.fetch("select id, parent_id from unit")}

    def _id(self, place: int) -> int:
        return self.ids[place % len(self.ids)]


def naive(parents: dict[int, int | None]) -> Iterator[tuple[int, int, int]]:
    """Every unit with every unit above it, by walking up; raises `RecursionError` for a ring."""
    for one in parents:
        above: int | None = one
        depth = 0
        while above is not None:
            yield above, one, depth
            above, depth = parents[above], depth + 1
            if depth > len(parents):
                raise RecursionError


@pytest.fixture
async def tree(tx: Tx) -> Tree:
    """A small organisation."""
    one = Tree(tx)
    await one.plant()
    return one


@given(edits=EDITS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_edited_the_closure_is_that_of_the_tree(
    tree: Tree, edits: list[tuple[str, Any, int]]
) -> None:
    planted = list(tree.ids)
    outer: Any = tree.tx.transaction()
    await outer.start()
    for name, *arguments in edits:
        try:
            async with tree.tx.transaction():
                await getattr(tree, name)(*arguments)
        except HexadError:
            pass
        except Exception as error:
            if getattr(error, "constraint_name", None) != "unit_tree":
                raise
        assert await tree.closure() == set(naive(await tree.parents()))
    await outer.rollback()
    tree.ids = planted


async def test_the_trigger_refuses_a_ring_that_got_past_the_rules(tree: Tree) -> None:
    await tree.feed(3, 4)
    with pytest.raises(Exception, match="below itself"):
        await tree.feed(4, 3)


async def test_employees_of_a_merged_branch_are_changed_for_those_who_look_for_changes(tree: Tree) -> None:
    for number in ("1", "2"):
        await tree.tx.execute(
            "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest, changed_in)"
            " values ($1, $1, $2, 'broker', '2020-01-01', 'hr', '', '3')",
            number, tree.ids[3],
        )  # fmt: skip
    await tree.merge(3, 5)
    rows = await tree.tx.fetch("select unit_id, changed_in = pg_current_xact_id() from employee")
    assert [tuple(row) for row in rows] == [(tree.ids[5], True)] * 2
    assert (await unit.find(tree.tx, tree.ids[3])).ended_on is not None


async def test_units_are_listed_by_kind_and_code(tx: Tx) -> None:
    company = await tx.fetchval("select id from unit where kind = 'company'")
    for code in ("b", "a", "C"):
        await tx.execute(
            "insert into unit (kind, code, name, parent_id) values ('region', $1, '区', $2)", code, company
        )
    found, after = list[str](), UnitCursor()
    while units := await unit.list_units(tx, after, 1, None, None, ended=None):
        found += [one.code for one in units]
        after = UnitCursor(units[-1].kind, units[-1].code)
    assert found[0] == "company"
    assert sorted(found[1:]) == ["C", "a", "b"]


async def test_a_unit_that_is_not_there_is_not_found(tx: Tx) -> None:
    with pytest.raises(NotFound):
        await unit.find(tx, 999_999)
