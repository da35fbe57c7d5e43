"""A message is the same in whichever month it lies, also in one that nobody has made."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.broadcast import tidying
from notifications.receipt import receipt
from tests.notifications.conftest import Street
from tests.workers.operations.test_months import first_of, uuid7


async def test_messages_on_both_sides_of_the_turn_and_beyond_every_month_leave_in_order_and_settle(
    street: Street,
) -> None:
    sent = await street.queued(4)
    turn = first_of(datetime.now(UTC), 1)
    moments = [turn - timedelta(milliseconds=1), turn, first_of(turn, 1), first_of(turn, 40)]
    moved = [uuid7(moment) for moment in moments]
    ids = await street.within(lambda house: house.tx.fetch("select id from outgoing order by id"))
    for row, new in zip(ids, moved, strict=True):
        await street.execute("update outgoing set id = $1 where id = $2", new, row["id"])
    parts = await street.within(
        lambda house: house.tx.fetch("select tableoid::regclass::text from outgoing order by id")
    )
    assert [row[0] for row in parts] == [
        *(f"outgoing_{moment:%Y_%m}" for moment in moments[:3]), "outgoing_default",
    ]  # fmt: skip
    assert await street.send(sent) == 4
    assert await street.states(sent) == {"sent": 4}
    taken = await street.taken()
    assert [sms.id for sms in taken] == moved
    await street.answer(taken, "delivered")
    assert await street.states(sent) == {"delivered": 4}
    kept = await street.within(
        lambda house: house.tx.fetch("select tableoid::regclass::text from receipt order by message_id")
    )
    assert [row[0] for row in kept] == [row[0].replace("outgoing", "receipt") for row in parts]
    await street.within(lambda house: tidying.tidy(house.tx, street.settings))
    assert await street.within(
        lambda house: house.tx.fetchval("select finished_at is not null from broadcast where id = $1", sent)
    )


async def test_a_broadcast_that_was_started_while_the_clock_was_a_year_ahead_leaves_when_it_is_due(
    street: Street,
) -> None:
    sent = await street.queued(2)
    await street.execute("update broadcast set created_at = now() + interval '1 year' where id = $1", sent)
    assert await street.send(sent) == 2
    await street.answer(await street.taken(), "delivered")
    assert await street.states(sent) == {"delivered": 2}


@pytest.mark.parametrize("which", range(4))
async def test_a_receipt_that_waited_for_its_gateway_is_taken_and_none_in_the_same_place_of_another_month(
    street: Street, which: int
) -> None:
    now = datetime.now(UTC)
    ids = [uuid7(first_of(now, later)) for later in (0, 1, 2, 50)]
    for id_ in ids:
        await street.execute(
            "insert into receipt (message_id, gateway, gateway_id, status, at, code, problem)"
            " values ($1, $2, '1', 'delivered', now(), '', $3)",
            id_, "new" if id_ == ids[which] else "g", "unknown_gateway" if id_ == ids[which] else None,
        )  # fmt: skip
    async with street.house() as house:
        places = await house.tx.fetch("select count(distinct ctid), count(distinct tableoid) from receipt")
        assert [tuple(row) for row in places] == [(1, 4)]
        found = await receipt._sql.of_named(house.tx, gateways=["new"], ids=ids)
        assert [one.id for one in found] == [ids[which]]
        times = dict(await house.tx.fetch("select message_id, times from receipt"))
    assert times == {id_: 0 if id_ == ids[which] else 1 for id_ in ids}
