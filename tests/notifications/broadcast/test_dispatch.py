"""What is handed over is one message, sealed, good no longer than it may be sent; nothing leaves a second time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kernel.calendar.days import BEIJING
from kernel.errors import Unavailable
from kernel.queues.client import Queues
from kernel.security.crypto import Fields, Place
from kernel.store import clock
from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Email, Sms
from notifications.broadcast import broadcast, dispatch, expansion, tidying
from notifications.broadcast.rate import AHEAD_SECONDS
from notifications.consent import consent
from notifications.consent.consent import Word
from notifications.template.words import Words
from tests.notifications.conftest import Street
from tests.notifications.house import House

OPT_OUT = Word(purpose="service", channel="sms", allowed=False, source="staff", evidence="recorded call", by="staff:1")


async def test_a_message_leaves_as_the_contract_says_and_its_content_is_sealed(street: Street) -> None:
    async with street.house() as house:
        anna = await house.customer(name="王\r\nBcc: 一", mobile="+8613800130001")
        sent = await house.queued(customers=[anna])
    assert await street.send(sent) == 1
    (sms,) = await street.taken()
    assert (sms.to, sms.purpose, sms.attempt, sms.segments) == ("+8613800130001", "service", 1, 1)
    assert sms.text == "【Hexad】尊敬的王 Bcc: 一:天气转凉,请注意保暖"
    assert sms.created_at < sms.expires_at <= sms.created_at + timedelta(days=1), "24:00 is the end of the hours"
    content = await street.within(lambda house: house.tx.fetchval("select content from outgoing"))
    assert sms.text.encode() not in content
    kept = Fields(street.settings).open(content, Place("outgoing", "content", str(sms.id)))
    assert msgspec.json.decode(kept, type=Sms) == sms
    assert await street.states(sent) == {"sent": 1}
    assert await street.send(sent) == 0


async def test_an_email_has_both_parts_and_a_way_out(street: Street) -> None:
    async with street.house() as house:
        anna = await house.customer(name="<b>", email="anna@example.com")
        sent = await house.queued(customers=[anna], channels=("email",))
    one = await street.open(sent)
    assert await street.dispatch.send(one, "email", 10) == 1
    (delivery,) = await street.queues.take(dispatch.queue_of("email", "service"), 5, lease=30, wait=2)
    email = msgspec.json.decode(delivery.body, type=Email)
    assert (email.to, email.subject) == ("anna@example.com", "<b>,您好")
    assert "&lt;b&gt;" in email.html
    assert email.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert email.headers["List-Unsubscribe"].startswith("<http")
    await street.queues.acknowledge([delivery])


async def test_several_senders_share_the_work_and_double_nothing(street: Street) -> None:
    sent = await street.queued(40)
    one = await street.open(sent)
    numbers = await asyncio.gather(*(street.dispatch.send(one, "sms", 10) for _ in range(4)))
    assert sum(numbers) == 40
    assert len({sms.id for sms in await street.taken()}) == 40
    assert await street.states(sent) == {"sent": 40}


class Astray(datetime):
    """The clock of a host that is eleven hours behind."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) - timedelta(hours=11)


@pytest.mark.parametrize(("hour", "leaves"), [(10, 1), (3, 0)])
async def test_the_hours_are_those_of_the_database_whatever_the_host_believes(
    street: Street, monkeypatch: pytest.MonkeyPatch, hour: int, leaves: int
) -> None:
    moment = datetime.now(BEIJING).replace(hour=hour)

    async def now(_: Tx) -> datetime:
        return moment

    monkeypatch.setattr(clock, "now", now)
    monkeypatch.setattr("notifications.broadcast.dispatch.datetime", Astray)
    day = msgspec.structs.replace(street.settings, service_hours="07:00-23:00")
    sender = dispatch.Dispatch(street.database, street.queues, day, Words(day))
    one = await street.open(await street.queued(1))
    assert await sender.send(one, "sms", 10) == leaves
    if leaves:
        (sms,) = await street.taken()
        assert sms.expires_at == moment.replace(hour=23, minute=0, second=0, microsecond=0)


async def test_nothing_leaves_outside_the_hours_and_nothing_is_lost(street: Street) -> None:
    sent = await street.queued(1)
    one = await street.open(sent)
    hour = datetime.now(UTC) + timedelta(hours=8)
    closed = "00:00-00:01" if hour.hour or hour.minute > 1 else "12:00-12:01"
    shut = msgspec.structs.replace(street.settings, service_hours=closed)
    asleep = dispatch.Dispatch(street.database, street.queues, shut, street.dispatch._words)
    assert await asleep.send(one, "sms", 10) == 0
    assert await street.states(sent) == {"queued": 1}
    assert await street.send(sent) == 1


async def test_who_withdraws_between_the_claim_and_the_hand_over_gets_nothing(street: Street) -> None:
    sent = await street.queued(2)
    one, now = await street.open(sent), datetime.now(UTC)
    claimed = await street.dispatch._claim(one, "sms", 10, now, now + timedelta(hours=1), unanswered=False)
    async with street.house() as house:
        anna = await house.tx.fetchval("select min(customer_id) from outgoing")
        await consent.give(house.tx, anna, OPT_OUT)
    assert await street.dispatch._hand_over(one, "sms", claimed) == 1
    assert len(await street.taken()) == 1
    assert await street.states(sent) == {"sent": 1, "skipped": 1}


async def test_who_withdraws_during_the_hand_over_waits_for_it(street: Street) -> None:
    sent = await street.queued(1)
    one, now = await street.open(sent), datetime.now(UTC)
    claimed = await street.dispatch._claim(one, "sms", 10, now, now + timedelta(hours=1), unanswered=False)
    anna = await street.within(lambda house: house.tx.fetchval("select customer_id from outgoing"))
    async with street.house() as handing_over:
        assert len(await dispatch._sql.hold(handing_over.tx, ids=[id_ for id_, _ in claimed])) == 1
        withdrawing = asyncio.create_task(street.within(lambda house: consent.give(house.tx, anna, OPT_OUT)))
        await asyncio.sleep(0.3)
        assert not withdrawing.done()
        await dispatch._sql.record(handing_over.tx, ids=[id_ for id_, _ in claimed], state="sent")
    await withdrawing
    assert await street.states(sent) == {"sent": 1}


@pytest.mark.parametrize(("verb", "state"), [("pause", "queued"), ("cancel", "skipped")])
async def test_what_was_claimed_goes_back_when_the_broadcast_is_stopped(street: Street, verb: str, state: str) -> None:
    sent = await street.queued(3)
    one, now = await street.open(sent), datetime.now(UTC)
    claimed = await street.dispatch._claim(one, "sms", 10, now, now + timedelta(hours=1), unanswered=False)
    await street.within(lambda house: broadcast.change(house.tx, sent, verb))  # type: ignore[arg-type]
    assert await street.dispatch._hand_over(one, "sms", claimed) == 0
    assert await street.states(sent) == {state: 3}
    assert await street.taken() == []


class _Silent:
    """A broker that answers nothing: whether it has stored a message nobody knows."""

    async def publish(self, *_: object) -> None:
        raise Unavailable("silence")


async def test_an_uncertain_message_is_offered_again_under_its_id_when_no_receipt_comes(street: Street) -> None:
    sent = await street.queued(2)
    queues: Queues = _Silent()  # type: ignore[assignment]
    broken = dispatch.Dispatch(street.database, queues, street.settings, street.dispatch._words)
    with pytest.raises(Unavailable):
        await broken.send(await street.open(sent), "sms", 10)
    assert await street.states(sent) == {"unknown": 2}
    assert await street.send(sent) == 0, "never blindly"
    assert await street.send(sent, unanswered=True) == 0, "not before its time"
    ids = await street.within(lambda house: house.tx.fetch("select id from outgoing order by id"))
    await street.execute("update outgoing set at = now() - interval '11 minutes' where id = $1", ids[0][0])
    assert await street.send(sent, unanswered=True) == 1
    (again,) = await street.taken()
    assert (again.id, again.attempt) == (ids[0][0], 2)
    assert await street.states(sent) == {"unknown": 1, "sent": 1}


async def test_what_a_dead_process_left_is_uncertain_and_given_up_after_five_attempts(street: Street) -> None:
    sent = await street.queued(2)
    await street.execute("update outgoing set state = 'sending', at = now() - interval '1 minute', attempt = 5")

    async def tidy(house: House) -> tidying.Tidied:
        return await tidying.tidy(house.tx, street.settings)

    assert (await street.within(tidy)).lost == 2
    assert await street.states(sent) == {"unknown": 2}
    await street.execute("update outgoing set at = now() - interval '11 minutes'")
    assert await street.send(sent, unanswered=True) == 0
    done = await street.within(tidy)
    assert (done.given_up, done.finished) == (2, 1)
    assert await street.states(sent) == {"failed": 2}


async def test_a_broker_with_enough_waiting_gets_no_more(street: Street) -> None:
    sent = await street.queued(1)
    slow = msgspec.structs.replace(street.settings, sms_rate=1)
    sender = dispatch.Dispatch(street.database, street.queues, slow, street.dispatch._words)
    assert await sender.room("sms", "service") == AHEAD_SECONDS
    await street.send(sent)
    assert await sender.room("sms", "service") == AHEAD_SECONDS - 1
    await street.execute("update sending_rate set at = now() - interval '1 day'")
    assert await sender.room("sms", "service") == AHEAD_SECONDS - 1
    await street.taken()
    assert await sender.room("sms", "service") == AHEAD_SECONDS


async def test_a_gateway_that_takes_faster_than_its_rate_gets_no_more_than_that(street: Street) -> None:
    sent = await street.queued(3)
    before = await street.dispatch.room("sms", "service")
    assert await street.send(sent) == 3
    assert len(await street.taken()) == 3
    assert await street.dispatch.room("sms", "service") == before, "one that was idle has saved up"
    await street.execute("update sending_rate set tokens = -100000")
    assert await street.dispatch.room("sms", "service") < 0, "though its queue is empty"
    assert await street.dispatch.room("sms", "marketing") == before, "each purpose has its own"


async def test_somebody_without_a_number_by_now_is_skipped(street: Street) -> None:
    sent = await street.queued(1)
    await street.execute("update customer set mobile = null, mobile_index = null, mobile_mask = null")
    assert await street.send(sent) == 0
    assert await street.states(sent) == {"skipped": 1}


async def test_expansion_is_done_by_one_at_a_time(street: Street) -> None:
    async with street.house() as house:
        started = await house.started(customers=[await house.customer() for _ in range(3)])
    made = await asyncio.gather(*(street.within(lambda house: expansion.expand(house.tx, started)) for _ in range(3)))
    assert sorted(made) == [0, 0, 3]
