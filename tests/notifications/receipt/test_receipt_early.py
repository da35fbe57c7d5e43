"""Receipts that come while their messages are being noted as sent wait for that, and none is forgotten."""

import asyncio

import asyncpg

from mobile_contracts.messaging.outbound import Sms
from notifications.broadcast import dispatch
from tests.notifications.conftest import Street


async def test_what_is_delivered_before_it_is_noted_as_sent_is_delivered(street: Street) -> None:
    """Among as many others as PostgreSQL needs to take the index, through a Materialize, which lost 48 of 50."""
    broadcast_id = await street.queued(50)
    await street.send(broadcast_id)
    messages = await street.taken()
    await _others(street)
    await street.execute("update outgoing set state = 'sending' where id = any ($1)", [one.id for one in messages])
    answering = await _noted_meanwhile(street, messages)
    await answering
    ids = [one.id for one in messages]
    async with street.house() as house:
        states = await house.tx.fetch("select state, count(*) from outgoing where id = any ($1) group by state", ids)
    assert [tuple(one) for one in states] == [("delivered", 50)]


async def _others(street: Street) -> None:
    """Messages of the same broadcast that are over, and what PostgreSQL knows of all."""
    await street.execute(
        "insert into outgoing (id, broadcast_id, customer_id, attempt, channel, state, reason)"
        " select uuidv7(), broadcast_id, customer_id, 1, channel, 'delivered', 'other'"
        "   from outgoing cross join generate_series(1, 60)"
    )
    owner = await asyncpg.connect(street.settings.owner_url)
    await owner.execute("analyze outgoing")
    await owner.close()


async def _noted_meanwhile(street: Street, messages: list[Sms]) -> "asyncio.Task[None]":
    """The sender notes them as sent; who answers meanwhile waits until it has."""
    async with street.house() as house:
        ids = sorted(one.id for one in messages)
        await dispatch._sql.take(house.tx, ids=ids)
        await dispatch._sql.record(house.tx, ids=ids, state="sent")
        answering = asyncio.create_task(street.answer(messages, "delivered", "DELIVRD"))
        await street.until_somebody_waits()
    return answering
