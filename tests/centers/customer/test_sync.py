"""A new day begins and ends relations without a write; what cannot be followed is said."""

from datetime import timedelta

import msgspec
import pytest

from centers.customer import sync
from centers.customer.sync import SyncCursor
from kernel.calendar import days
from tests.brokerage import Brokerage
from tests.centers.customer.conftest import Within


async def complete(within: Within, who: str = "1003") -> SyncCursor:
    async with within(who) as (tx, scope):
        found = await sync.changes(tx, scope, None, 100)
    assert found is not None
    assert found.cursor.complete
    return found.cursor


async def test_a_relation_that_began_or_ended_since_is_told_by_the_day_alone(house: Brokerage, within: Within) -> None:
    today = days.today()
    await house.relate("88000001", "1003", "develop", today - timedelta(days=1))
    await house.relate("88000002", "1003", "develop", today - timedelta(days=9), today)
    cursor = msgspec.structs.replace(await complete(within), day=today - timedelta(days=2))
    async with within("1003") as (tx, scope):
        found = await sync.changes(tx, scope, cursor, 100)
    assert found is not None
    assert [one.customer_no for one in found.changed] == ["88000001"]
    assert [one.id for one in found.gone] == [house.customers["88000002"]]


async def test_a_cursor_from_before_a_restore_begins_afresh(house: Brokerage, within: Within) -> None:
    cursor = msgspec.structs.replace(await complete(within), since=2**40)
    async with within("1003") as (tx, scope):
        assert await sync.changes(tx, scope, cursor, 100) is None


@pytest.mark.parametrize("who", ["1003", "1005"])
async def test_too_many_tombstones_begin_afresh(
    house: Brokerage, within: Within, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "GONE_AT_MOST", 0)
    cursor = await complete(within, who)
    await house.execute("update relation set valid_to = current_date, changed_in = pg_current_xact_id()")
    await house.execute("insert into customer_left (branch_id, customer_id) select branch_id, id from customer")
    await house.execute("update customer set branch_id = $1 where branch_id = $2", house.units["b2"], house.units["b1"])
    async with within(who) as (tx, scope):
        assert await sync.changes(tx, scope, cursor, 100) is None


async def test_what_is_committed_late_is_not_missed(house: Brokerage, within: Within) -> None:
    async with house.database.transaction() as slow:
        await slow.execute("select set_config('hexad.scope', 'company', true)")
        await slow.execute(
            "update customer set name = '晚', changed_in = pg_current_xact_id() where customer_no = '88000004'"
        )
        await house.execute("update customer set name = name where customer_no = '88000005'")
        cursor = await complete(within)
    async with within("1003") as (tx, scope):
        found = await sync.changes(tx, scope, cursor, 100)
    assert found is not None
    assert [one.name for one in found.changed] == ["晚"]
