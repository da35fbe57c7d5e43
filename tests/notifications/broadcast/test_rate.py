"""A gateway is handed what its rate allows, whoever sends: at once what a pause has saved up, then so many a second."""

import asyncio

import msgspec
import pytest

from kernel.store.database import Database, Tx
from notifications.broadcast import rate
from notifications.broadcast.rate import Lane

LANE = Lane("main", "sms", "service", "10690000", 100)


async def later(tx: Tx, seconds: float) -> None:
    """Time goes by."""
    await tx.execute("update sending_rate set at = at - make_interval(secs => $1)", seconds)


async def test_a_full_bucket_holds_thirty_seconds_of_the_rate(tx: Tx) -> None:
    assert await rate.left(tx, LANE) == 3000
    await rate.spend(tx, LANE, 2000)
    assert 1000 <= await rate.left(tx, LANE) < 2000
    await later(tx, 5)
    assert 1500 <= await rate.left(tx, LANE) < 2500
    await later(tx, 3600)
    assert await rate.left(tx, LANE) == 3000


async def test_what_was_overdrawn_is_waited_for(tx: Tx) -> None:
    await rate.spend(tx, LANE, 3500)
    assert await rate.left(tx, LANE) < 0
    await later(tx, 6)
    assert 100 <= await rate.left(tx, LANE) < 1100


@pytest.mark.parametrize("change", [{"purpose": "marketing"}, {"sender": "10691111"}, {"channel": "email"}])
async def test_each_lane_has_its_own(tx: Tx, change: dict[str, str]) -> None:
    other = msgspec.structs.replace(LANE, **change)
    await rate.spend(tx, LANE, 3000)
    assert await rate.left(tx, other) == 3000


async def test_nothing_is_lost_when_many_spend_at_once(database: Database) -> None:
    async def spend() -> None:
        async with database.transaction() as tx:
            await rate.spend(tx, LANE, 100)

    await asyncio.gather(*(spend() for _ in range(20)))
    async with database.transaction() as tx:
        assert 1000 <= await rate.left(tx, LANE) < 2000


async def test_a_clock_that_was_an_hour_ahead_leaves_neither_a_debt_nor_more_than_the_bucket(tx: Tx) -> None:
    await rate.spend(tx, LANE, 2900)
    await tx.execute("update sending_rate set at = clock_timestamp() + interval '1 hour'")
    assert await rate.left(tx, LANE) == 3000
    await rate.spend(tx, LANE, 1000)
    assert 2000 <= await rate.left(tx, LANE) < 3000
    await tx.execute("update sending_rate set at = clock_timestamp() - interval '1 hour'")
    assert await rate.left(tx, LANE) == 3000
