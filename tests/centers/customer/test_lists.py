"""A list reads a page from an index and no more, however many customers there are."""

import json
from typing import Any

import asyncpg
import pytest

from centers.customer import lists
from centers.customer.lists import AssetsCursor, Filter
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within

FILL = """
insert into customer (customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on, status,
                      investor_kind, assets, source, digest)
select 'F' || n, '名' || n, 'individual', 'id', '', '', '', $1, date '2020-01-01' + n % 500, 'normal', 'ordinary',
       n * 7919 % 100003, 'counter', ''
  from generate_series(1, 4000) n"""
RELATE = """
insert into relation (customer_id, employee_id, kind, share, valid_from, branch_id, assets, source, digest)
select id, $1, 'service', 1, '2020-01-01', branch_id, assets, 'counter', '' from customer where customer_no like 'F%'"""


@pytest.fixture
async def crowd(house: Brokerage) -> Brokerage:
    """The same with 4,000 customers more, all of one broker."""
    await house.execute(FILL, house.units["b1"])
    await house.execute(RELATE, house.employees["1003"])
    owner = await asyncpg.connect(house.settings.owner_url)
    await owner.execute("analyze")
    await owner.close()
    return house


def rows_read(plan: dict[str, Any]) -> int:
    """The most rows that any scan of customers or relations gave."""
    own = plan["Actual Rows"] * plan["Actual Loops"] if plan.get("Relation Name") in ("customer", "relation") else 0
    return max([int(own), *(rows_read(part) for part in plan.get("Plans", []))])


@pytest.mark.parametrize(
    ("who", "query", "place"),
    [
        ("1003", "assets_by_relation", "employees"),
        ("1005", "assets_by_branch", "branches"),
        ("1005", "opened_by_branch", "branches"),
        ("1005", "name_by_branch", "branches"),
    ],
)
async def test_a_page_is_read_from_an_index(crowd: Brokerage, within: Within, who: str, query: str, place: str) -> None:
    after: dict[str, list[Any]] = {
        "assets": [lists.MOST, 2**31 - 1],
        "opened": [lists.OpenedCursor().opened_on, 2**31 - 1],
        "name": ["", "", 0],
    }
    last = after[query.split("_", maxsplit=1)[0]]
    async with within(who) as (tx, scope):
        plan = await tx.fetchval(
            f"explain (analyze, format json) {getattr(lists._sql, query).sql}",
            getattr(scope.reach, place), *last, -lists.MOST, lists.MOST, None, None, None, 21,
        )  # fmt: skip
    assert rows_read(json.loads(plan)[0]["Plan"]) < 200


async def test_pages_neither_skip_nor_repeat_while_others_come_and_go(crowd: Brokerage, within: Within) -> None:
    seen: list[int] = []
    after = AssetsCursor()
    for _ in range(5):
        async with within("1003") as (tx, scope):
            lines = await lists.by_assets(tx, scope, Filter(), after, 50)
        seen += [line.id for line in lines]
        after = AssetsCursor(int(lines[-1].assets * 100), lines[-1].id)
        await crowd.customer(f"N{len(seen)}", "b1", assets="99999", brokers=["1003"])
    assert len(seen) == len(set(seen)) == 250
    async with within("1003") as (tx, scope):
        again = await lists.by_assets(tx, scope, Filter(assets_to=99999_00), AssetsCursor(), 250)
    assert [line.id for line in again] == seen
