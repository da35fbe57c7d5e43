"""Whatever is committed before a message leaves keeps it back, by the rule that decided on it, on every channel.

Interleavings are forced: one connection stands still, with what it has locked, until another waits for it.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
import pytest

from kernel.calendar.days import today
from kernel.errors import Unavailable
from kernel.queues.broker import open_queues
from kernel.security.crypto import BlindIndex
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.outbound import Inbound, Receipt
from mobile_contracts.messaging.template import Channel
from notifications.broadcast import dispatch, expansion, in_app, rate, tidying
from notifications.consent import consent
from notifications.receipt import receipt
from notifications.receipt import reply as inbound
from notifications.template.words import Words
from tests.brokers import broker
from tests.notifications.conftest import PATIENCE, Street
from tests.notifications.house import KNOWN, House, refusal

__all__ = ["broker"]


@pytest.fixture
async def street(broker: Settings) -> AsyncIterator[Street]:
    """Open at all hours; locks are waited for as long as a slow machine needs."""
    settings = msgspec.structs.replace(
        broker, service_hours="00:00-24:00", marketing_hours="00:00-24:00", pool_wait=10.0, lock_timeout=PATIENCE
    )
    database = await Database.open(settings.database_url, settings)
    async with open_queues(settings) as queues:
        yield Street(database, queues, settings)
    await database.close()


async def leave(street: Street, sent: UUID, channel: Channel) -> int:
    """Hands over or gives what is due."""
    async with street.beside() as house:
        one = next(one for one in await dispatch.list_open(house.tx) if one.id == sent)
    if channel != "in_app":
        return await street.dispatch.send(one, channel, 500)
    async with street.beside() as house:
        return await in_app.give(house.tx, Words(street.settings), one, 500)


async def outcome(street: Street, sent: UUID) -> dict[str, int]:
    """How many left, how many did not, and why."""
    states = await street.states(sent)
    return states | await street.within(lambda house: house.reasons(sent))


CHANGES = {
    "closed": "update customer set status = 'closed' where id = $1",
    "closes_today": "update customer set closed_on = current_date where id = $1",
    "suppressed": "insert into suppression (customer_id, channel, address, reason, message_id) select id, 'email',"
    " sha256(convert_to(lower(email), 'UTF8')), 'complaint', uuidv7() from customer where id = $1",
    "bounced": "insert into suppression (customer_id, channel, address, reason, message_id) select id, 'sms',"
    " mobile_index, 'hard_bounce', uuidv7() from customer where id = $1",
    "opted_out": "insert into consent (customer_id, purpose, channel, allowed, source, evidence, given_by)"
    " select $1, 'service', channel, false, 'staff', 'call', 's' from unnest('{sms,email,in_app}'::text[]) as channel",
}
CASES = [
    (channel, change) for channel in ("sms", "email", "in_app") for change in ("closed", "closes_today", "opted_out")
]
REASONS = {"closes_today": "closed", "bounced": "suppressed"}


@pytest.mark.parametrize(("channel", "change"), [*CASES, ("email", "suppressed"), ("sms", "bounced")])
async def test_what_happens_after_the_decision_keeps_it_back(street: Street, channel: Channel, change: str) -> None:
    async with street.house() as house:
        anna, bob = await house.customer(), await house.customer()
        sent = await house.queued(customers=[anna, bob], channels=(channel,))
    await street.execute(CHANGES[change], anna)
    await leave(street, sent, channel)
    left = "delivered" if channel == "in_app" else "sent"
    assert await outcome(street, sent) == {left: 1, "skipped": 1, REASONS.get(change, change): 1}


@pytest.mark.parametrize("change", ["closed", "bounced", "opted_out"])
async def test_what_happens_after_the_claim_keeps_it_back(street: Street, change: str) -> None:
    sent = await street.queued(2)
    one, now = await street.open(sent), datetime.now(UTC)
    made = await street.dispatch._claim(one, "sms", 10, now, now + timedelta(hours=1), unanswered=False)
    anna = await street.within(lambda house: house.tx.fetchval("select min(customer_id) from outgoing"))
    await street.execute(CHANGES[change], anna)
    assert await street.dispatch._hand_over(one, "sms", made) == 1
    assert len(await street.taken()) == 1
    assert await outcome(street, sent) == {"sent": 1, "skipped": 1, REASONS.get(change, change): 1}


@pytest.mark.parametrize("channel", ["sms", "email"])
@pytest.mark.parametrize(("suppressed", "again"), [("old", 0), ("new", 1), ("none", 1)])
async def test_what_is_offered_again_is_judged_by_the_address_that_it_goes_to(
    street: Street, channel: Literal["sms", "email"], suppressed: str, again: int
) -> None:
    async with street.house() as house:
        anna = await house.customer(email="old@b.cn", mobile="+8613900000001")
        sent = await house.queued(customers=[anna], channels=(channel,))
    await leave(street, sent, channel)
    suppress = CHANGES["bounced" if channel == "sms" else "suppressed"]
    if suppressed == "old":
        await street.execute(suppress, anna)
    new = BlindIndex(street.settings).of("mobile", "+8613900000002")
    await street.execute("update customer set email = 'new@b.cn', mobile_index = $2 where id = $1", anna, new)
    if suppressed == "new":
        await street.execute(suppress, anna)
    if suppressed == "none":
        await street.execute("update customer set email = null, mobile_index = null where id = $1", anna)
    await street.execute("update outgoing set state = 'unknown', at = now() - interval '1 hour'")
    assert await street.dispatch.send(await street.open(sent), channel, 10, unanswered=True) == again
    assert await street.states(sent) == {"sent" if again else "unknown": 1}


async def test_whom_a_product_suits_no_more_after_the_claim_gets_nothing_of_it(street: Street) -> None:
    async with street.house() as house:
        await house.product("P1", risk_level=3)
        people = [await house.customer(assessed_on=today()) for _ in range(2)]
        sent = await house.queued(customers=people, product_code="P1")
    one, now = await street.open(sent), datetime.now(UTC)
    made = await street.dispatch._claim(one, "sms", 10, now, now + timedelta(hours=1), unanswered=False)
    await street.execute("update customer set risk_level = 2 where id = $1", people[0])
    assert await street.dispatch._hand_over(one, "sms", made) == 1
    assert await outcome(street, sent) == {"sent": 1, "skipped": 1, "risk_too_high": 1}


async def test_an_opt_out_during_the_expansion_keeps_the_notice_back(street: Street) -> None:
    async with street.house() as house:
        anna = await house.customer()
        sent = await house.started(customers=[anna], channels=("in_app",))
    async with street.beside() as expanding:
        assert await expansion.expand(expanding.tx, sent) == 1
        async with street.beside() as house:
            await consent.give(house.tx, anna, refusal("in_app"))
    await leave(street, sent, "in_app")
    assert await outcome(street, sent) == {"skipped": 1, "opted_out": 1}
    assert await street.within(lambda house: house.tx.fetchval("select count(*) from notice")) == 0


@pytest.mark.parametrize("channel", ["in_app", "sms", "email"])
async def test_who_withdrew_before_there_was_a_message_gets_none_that_was_made_meanwhile(
    street: Street, channel: Channel
) -> None:
    async with street.house() as house:
        anna = await house.customer()
        sent = await house.started(customers=[anna], channels=(channel,))
    async with street.beside() as withdrawing:
        await consent.give(withdrawing.tx, anna, refusal(channel))
        async with street.beside() as house:
            assert await expansion.expand(house.tx, sent) == 1
        queued = "select count(*) from outgoing where state = 'queued'"
        assert await street.value(queued) == 1, "decided on before anybody else knows"
        leaving = asyncio.create_task(leave(street, sent, channel))
        await street.until_somebody_waits()
        assert not leaving.done()
    await leaving
    assert await outcome(street, sent) == {"skipped": 1, "opted_out": 1}


def reply(customer: int, number: int, text: str = "TDS") -> Inbound:
    """What somebody with the number of a customer of the house wrote."""
    return Inbound(
        gateway="g", gateway_id=str(number), from_number=House.number(customer), to="1069", text=text,
        at=datetime.now(UTC),
    )  # fmt: skip


async def test_replies_that_share_a_transaction_keep_back_all_that_is_handed_over_before_it_commits(
    street: Street,
) -> None:
    async with street.house() as house:
        people = [await house.customer() for _ in range(5)]
        sent = await house.started(customers=people)
    async with street.beside() as replies:
        await inbound.apply(replies.tx, [reply(n, n) for n in (4, 2, 3)], KNOWN, replies)
        async with street.beside() as house:
            await expansion.expand(house.tx, sent)
        leaving = asyncio.create_task(leave(street, sent, "sms"))
        await street.until_somebody_waits()
        assert not leaving.done()
    assert await leaving == 2
    assert {sms.to for sms in await street.taken()} == {House.number(1), House.number(5)}
    assert await outcome(street, sent) == {"sent": 2, "skipped": 3, "opted_out": 3}


async def test_who_withdraws_for_longer_than_one_waits_keeps_it_waiting_and_loses_nothing(street: Street) -> None:
    sent = await street.queued(2)
    hasty = await Database.open(
        street.settings.database_url, msgspec.structs.replace(street.settings, lock_timeout=0.05)
    )
    sender = dispatch.Dispatch(hasty, street.queues, street.settings, Words(street.settings))
    one = await street.open(sent)
    async with street.beside() as withdrawing:
        other = await withdrawing.tx.fetchval("select id from customer limit 1")
        await consent.give(withdrawing.tx, other, refusal("email"))
        assert await sender.send(one, "sms", 10) == 0
        assert await street.value("select count(*) from outgoing where state = 'queued' and attempt = 0") == 2
    assert await sender.send(one, "sms", 10) == 2
    await hasty.close()


async def test_replies_take_messages_in_the_order_of_their_ids(street: Street) -> None:
    sent = await street.queued(3)
    first, _, last = await street.within(
        lambda house: house.tx.fetch("select id from outgoing where broadcast_id = $1 order by id", sent)
    )
    async with street.beside() as handing_over:
        await handing_over.tx.execute("update outgoing set state = 'sending'")
    async with street.beside() as handing_over:
        assert len(await dispatch._sql.hold(handing_over.tx, ids=[first["id"]])) == 1

        async def answer() -> None:
            async with street.beside() as house:
                await inbound.apply(house.tx, [reply(3, 1), reply(2, 2), reply(1, 3)], KNOWN, house)

        answering = asyncio.create_task(answer())
        await street.until_somebody_waits()
        await street.value("select id from outgoing where id = $1 for update nowait", last["id"])
    await answering
    assert await street.states(sent) == {"skipped": 3}


async def test_receipts_and_what_is_recorded_take_messages_in_the_order_of_their_ids(street: Street) -> None:
    sent = await street.queued(3)
    await street.execute("update outgoing set state = 'sending', attempt = 1")
    rows = await street.within(lambda house: house.tx.fetch("select id from outgoing order by id"))
    ids = [row["id"] for row in rows]
    async with street.beside() as receipts:
        await receipts.tx.execute("select from outgoing where id = $1 for no key update", ids[0])

        async def record() -> None:
            async with street.beside() as house:
                await dispatch._sql.hold(house.tx, ids=ids)
                await dispatch._sql.take(house.tx, ids=ids[::-1])
                await dispatch._sql.record(house.tx, ids=ids, state="sent")

        recording = asyncio.create_task(record())
        await street.until_somebody_waits()
        await street.value("select id from outgoing where id = $1 for no key update nowait", ids[2])
    await recording
    assert await street.states(sent) == {"sent": 3}


async def test_what_fails_before_it_was_published_waits_again_at_once(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await street.queued(3)
    one = await street.open(sent)

    async def deadlock(*_: Any, **__: Any) -> None:
        raise asyncpg.DeadlockDetectedError("deadlock detected")

    with monkeypatch.context() as patched:
        patched.setattr(dispatch._sql, "look", deadlock)
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await street.dispatch.send(one, "sms", 10)
    assert await street.states(sent) == {"queued": 3}
    attempts = await street.within(lambda house: house.tx.fetch("select attempt, sent_at from outgoing"))
    assert [tuple(row) for row in attempts] == [(0, None)] * 3
    with monkeypatch.context() as patched:
        patched.setattr(rate, "spend", deadlock)
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await street.dispatch.send(one, "sms", 10)
    assert await street.states(sent) == {"sent": 3}, "it had left, and is recorded"
    assert len(await street.taken()) == 3


async def test_a_broker_that_never_answers_holds_nobody_who_opts_out_for_longer_than_is_said(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await street.queued(2)
    one, asked = await street.open(sent), asyncio.Event()

    async def hangs(*_: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(street.queues, "publish", hangs)
    monkeypatch.setattr(dispatch, "HELD_SECONDS", 1.0)
    sending = asyncio.create_task(street.dispatch.send(one, "sms", 10))
    await asked.wait()
    with pytest.raises(asyncpg.LockNotAvailableError):
        await street.value("select id from outgoing limit 1 for update nowait")
    with pytest.raises(Unavailable):
        await sending
    assert await street.value("select id from outgoing limit 1 for update nowait") is not None
    assert await street.states(sent) == {"unknown": 2}, "any of them may be in the queue"


async def test_nobody_is_written_to_more_often_in_a_day_than_allowed_however_long_ago_it_was_decided(
    street: Street,
) -> None:
    async with street.house() as house:
        anna = await house.customer()
        old = [await house.queued(customers=[anna], expires_at=datetime.now(UTC) + timedelta(days=9)) for _ in range(3)]
        await house.tx.execute("update outgoing set id = uuidv7(interval '-25 hours')")
        new = [await house.queued(customers=[anna]) for _ in range(3)]
        assert [await house.states(one) for one in new] == [{"queued": 1}] * 3
    for one in [*old, *new]:
        await street.send(one)
    assert len(await street.taken()) == 3
    assert [await outcome(street, one) for one in new] == [{"skipped": 1, "frequency": 1}] * 3
    async with street.house() as house:
        another = await house.queued(customers=[anna])
        assert await house.reasons(another) == {"frequency": 1}, "by when they were sent"
        await house.tx.execute("update outgoing set sent_at = sent_at - interval '25 hours'")
        assert await house.states(await house.queued(customers=[anna])) == {"queued": 1}


async def test_those_decided_on_side_by_side_are_no_more_than_allowed(street: Street) -> None:
    async with street.house() as house:
        anna = await house.customer()
        made = [await house.started(customers=[anna]) for _ in range(5)]
    async with street.beside() as first, street.beside() as second:
        for number, one in enumerate(made):
            await expansion.expand((first, second)[number % 2].tx, one)
    for one in made:
        await street.send(one)
    assert len(await street.taken()) == 3


async def test_what_a_gateway_let_expire_is_never_left_waiting_in_a_broadcast_that_has_ended(street: Street) -> None:
    sent = await street.queued(1)
    assert await street.send(sent) == 1
    (sms,) = await street.taken()
    expired = Receipt(id=sms.id, gateway="g", gateway_id="1", status="expired", code="", at=datetime.now(UTC))
    async with street.beside() as ending:
        held = [row["id"] for row in await tidying._sql.lock_open(ending.tx)]
        assert held == [sent]

        async def receive() -> None:
            async with street.beside() as house:
                await receipt.apply(house.tx, [expired], KNOWN, house)

        receiving = asyncio.create_task(receive())
        await street.until_somebody_waits()
        assert await tidying._sql.finish(ending.tx, ids=held) == 1
    await receiving
    assert await street.states(sent) == {"queued": 1}
    assert await street.value("select finished_at from broadcast where id = $1", sent) is None
    async with street.beside() as receiving_another:
        await receiving_another.tx.execute("select from broadcast where id = $1 for update", sent)
        async with street.beside() as house:
            assert (await tidying.tidy(house.tx, street.settings)).finished == 0, "who is at it is not waited for"
    assert await street.send(sent) == 1
