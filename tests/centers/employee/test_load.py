"""Units follow the feeds, except those that staff placed; people stand in their team or branch."""

from kernel.settings import Settings
from tests.workers.collection.maker import Maker, a_day, row, rows, take

_TREE = """
select u.kind, u.code, p.code, u.ended_on::text
  from unit u join unit p on p.id = u.parent_id order by u.kind, u.code"""
_PLACES = "select e.employee_no, u.code from employee e join unit u on u.id = e.unit_id order by 1"


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
