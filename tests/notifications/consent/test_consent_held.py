"""Whoever withdraws consent waits for what it is about, and for nothing else."""

import asyncio

import msgspec

from notifications.broadcast import dispatch
from notifications.consent import consent
from tests.notifications.conftest import Street
from tests.notifications.house import refusal


async def test_what_is_of_another_purpose_is_not_waited_for(street: Street) -> None:
    sent = await street.queued(1)
    await street.execute("update outgoing set state = 'sending', attempt = 1")
    message, customer = await street.value("select array[id::text, customer_id::text] from outgoing")
    word = refusal("sms")
    async with street.beside() as handing_over:
        assert len(await dispatch._sql.hold(handing_over.tx, ids=[message])) == 1
        async with street.beside() as house:
            await consent.give(house.tx, int(customer), msgspec.structs.replace(word, purpose="marketing"))
        withdrawing = asyncio.create_task(_withdrawn(street, int(customer)))
        await street.until_somebody_waits()
        await dispatch._sql.put_back(handing_over.tx, ids=[message])
    await withdrawing
    assert await street.states(sent) == {"skipped": 1}, "it was put back while it was waited for"


async def _withdrawn(street: Street, customer: int) -> None:
    async with street.beside() as house:
        await consent.give(house.tx, customer, refusal("sms"))
