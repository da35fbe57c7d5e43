"""On both brokers every e-mail ends in a receipt or among the dead, or it comes again; none is knowingly sent twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from kernel.queues import RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message, Queues
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.outbound import Email, Receipt
from tests.brokers import broker
from tests.workers.smtp.conftest import Relay, Serve
from tests.workers.smtp.test_letter import PLAIN, email
from workers.runtime.loops import Loops
from workers.smtp import letter
from workers.smtp.letter import Letter
from workers.smtp.pool import Pool
from workers.smtp.sender import QUEUES, Sender

__all__ = ["broker"]

SERVICE = Queue("outbound.email.service.main")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop does not wait long for the question that is under way."""
    monkeypatch.setattr("workers.smtp.sender._WAIT", 0.2)


@pytest.fixture
def mailing(broker: Settings, free_port: object) -> Settings:
    """Settings of a sender on either broker."""
    assert callable(free_port)
    return msgspec.structs.replace(broker, smtp_host="127.0.0.1", smtp_port=free_port(), smtp_tls="never",
                                   smtp_timeout=1.0)  # fmt: skip


@pytest.fixture
async def queues(mailing: Settings) -> AsyncIterator[Queues]:
    async with open_queues(mailing) as opened:
        yield opened


@contextlib.asynccontextmanager
async def sending(settings: Settings, queues: Sequence[Queue] = QUEUES) -> AsyncIterator[Sender]:
    """A sender that serves these queues until the block ends."""
    loops, pool = Loops(), Pool(settings)
    database = await Database.open(settings.database_url, settings, size=4)
    async with open_queues(settings) as own:
        sender = Sender(settings, database, own, pool)
        steps = {one.name: partial(sender.turn, one) for one in queues} | {"deferred": sender.turn_deferred}
        running = [asyncio.create_task(loops.run(name, step)) for name, step in steps.items()]
        try:
            yield sender
            loops.stop()
            await asyncio.wait_for(asyncio.gather(*running), 30)
            await asyncio.wait_for(sender.drained(), 30)
        finally:
            sender.abandon()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    await pool.close()
    await database.close()


async def put(queues: Queues, *emails: Email, queue: Queue = SERVICE) -> None:
    """Puts messages where we would."""
    await queues.publish(queue, [Message(msgspec.json.encode(one), id=str(one.id)) for one in emails])


async def until(met: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(seconds):
        while not await met():
            await asyncio.sleep(0.05)


async def receipts(queues: Queues, count: int) -> list[Receipt]:
    """The next receipts."""
    found: list[Receipt] = []
    async with asyncio.timeout(60 + count * 0.2):
        while len(found) < count:
            taken = await queues.take(RECEIPTS, 100, lease=30, wait=1)
            found += [msgspec.json.decode(one.body, type=Receipt) for one in taken]
            await queues.acknowledge(taken)
    return found


async def test_each_purpose_is_served_with_one_receipt_for_each_message(
    mailing: Settings, queues: Queues, relay: Relay
) -> None:
    async with sending(mailing):
        for number, queue in enumerate(QUEUES):
            await put(queues, email(number, purpose=queue.name.split(".")[2]), queue=queue)
        found = await receipts(queues, 3)
    assert {(one.id, one.status, one.gateway, one.gateway_id) for one in found} == {
        (email(number).id, "accepted", "smtp-main", "ABC-1") for number in range(3)
    }
    assert len(relay.taken) == 3
    assert [await queues.size(queue) for queue in QUEUES] == [0, 0, 0]


async def test_the_relays_refusal_is_a_receipt(mailing: Settings, queues: Queues, relay: Relay) -> None:
    relay.answers["RCPT"] = ["550 5.1.1 no such mailbox"]
    async with sending(mailing):
        await put(queues, email())
        (one,) = await receipts(queues, 1)
    assert (one.status, one.code) == ("rejected", "550 5.1.1")


async def test_what_has_expired_is_answered_and_not_sent(mailing: Settings, queues: Queues, relay: Relay) -> None:
    await put(queues, email(lives=-1))
    async with sending(mailing):
        (one,) = await receipts(queues, 1)
    assert (one.status, relay.taken) == ("expired", [])


async def test_a_host_whose_clock_is_ahead_takes_nothing_for_expired(
    mailing: Settings, queues: Queues, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=365)

    monkeypatch.setattr("workers.smtp.sender.datetime", Ahead, raising=False)
    async with sending(mailing):
        await put(queues, email())
        (one,) = await receipts(queues, 1)
    assert one.status == "accepted"


async def test_a_repeated_id_is_answered_again_and_not_sent_again_even_by_another_process(
    mailing: Settings, queues: Queues, relay: Relay
) -> None:
    async with sending(mailing):
        await put(queues, email(), email())
        await receipts(queues, 1)
    async with sending(mailing):
        await put(queues, email(attempt=2))
        assert [one.status for one in await receipts(queues, 1)] == ["accepted"]
    assert len(relay.taken) == 1


async def test_what_nobody_can_send_lies_among_the_dead_and_the_rest_goes_on(
    mailing: Settings, queues: Queues, relay: Relay
) -> None:
    bad: list[dict[str, object]] = [
        {"subject": "a\u2028Bcc: x@y.cn"}, {"headers": {"Bcc": "x@y.cn"}}, {"to": "li lei@b.cn"}, {"cc": "x@y.cn"},
        {"schema": "hexad.email/2"}, {"schema": "hexad.sms/1"}, {"text": "x" * 500_001}, {"purpose": "marketing"},
        {"attempt": 0},
    ]  # fmt: skip
    bodies = [b"[]", b'"x"', *(msgspec.json.encode(PLAIN | one) for one in bad)]
    async with sending(mailing, [SERVICE]):
        await queues.publish(SERVICE, [Message(body) for body in bodies])
        await put(queues, email(2))
        await until(lambda: _taken(relay))
        async with asyncio.timeout(30):
            while await queues.size(SERVICE.dead) < len(bodies):
                await asyncio.sleep(0.05)
        dead: list[Delivery] = []
        async with asyncio.timeout(30):
            while len(dead) < len(bodies):
                dead += await queues.take(SERVICE.dead, 100, lease=30, wait=1)
    found = await receipts(queues, len(bad) + 1)
    assert {(one.id, one.status, one.code) for one in found} == {
        (email().id, "rejected", "UNSENDABLE"), (email(2).id, "accepted", "250 2.0.0"),
    }  # fmt: skip
    assert len(dead) == len(bodies)
    assert all(one.headers["x-hexad-reason"] for one in dead)
    assert not [
        one for one in dead if "y.cn" in one.headers["x-hexad-reason"] or "b.cn" in one.headers["x-hexad-reason"]
    ]
    assert [to for _, to, _ in relay.taken] == ["li.lei@b.cn"]


async def test_later_is_not_a_receipt_but_is_remembered(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.answers["RCPT"] = ["452 4.2.2 the mailbox is full"]
    async with sending(mailing):
        await put(queues, email())
        async with asyncio.timeout(30):
            while await _code(database) != "452 4.2.2":
                await asyncio.sleep(0.05)
    assert relay.taken == []
    assert await queues.take(RECEIPTS, 10, lease=30) == []


async def test_what_was_put_off_is_sent_when_its_time_has_come(mailing: Settings, queues: Queues, relay: Relay) -> None:
    relay.answers["RCPT"] = ["452 4.2.2 the mailbox is full"]
    async with sending(msgspec.structs.replace(mailing, smtp_retry=0.1)):
        await put(queues, email())
        assert [one.status for one in await receipts(queues, 1)] == ["accepted"]
    assert len(relay.taken) == 1


async def test_nothing_is_taken_while_the_relay_is_away_and_all_goes_when_it_is_back(
    mailing: Settings, queues: Queues, serve: Serve
) -> None:
    sent = [email(number) for number in range(1, 30)]
    await put(queues, *sent)
    async with sending(mailing):
        await asyncio.sleep(0.5)
        async with serve(mailing.smtp_port) as relay:
            found = await receipts(queues, len(sent))
    assert sorted(one.id for one in found) == [one.id for one in sent]
    assert len(relay.taken) == len(sent)
    assert relay.most <= mailing.smtp_connections


async def test_one_that_cannot_be_read_for_whatever_reason_keeps_no_other_and_ends_among_the_dead(
    mailing: Settings, queues: Queues, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, sound = email(1), email(2)
    read = letter.compose

    def compose(one: Email, bounce: str) -> Letter:
        if one.id == wrong.id:
            raise KeyError("not this one")
        return read(one, bounce)

    monkeypatch.setattr("workers.smtp.reading.compose", compose)
    monkeypatch.setattr("workers.smtp.sender._LEASE", 1)
    await put(queues, wrong, sound)
    async with sending(mailing, [SERVICE]) as sender:
        assert [one.id for one in await receipts(queues, 1)] == [sound.id]
        assert sender.failing.problem() == f"{wrong.id}: KeyError: 'not this one'"
        (told,) = await receipts(queues, 1)
    assert (told.id, told.status) == (wrong.id, "rejected")
    (dead,) = await queues.take(SERVICE.dead, 10, lease=30, wait=5)
    assert dead.headers["x-hexad-reason"] == "KeyError"
    await queues.acknowledge([dead])


async def test_a_test_mode_reaches_nobody(mailing: Settings, queues: Queues, relay: Relay) -> None:
    async with sending(msgspec.structs.replace(mailing, smtp_test=True)):
        await put(queues, email())
        (one,) = await receipts(queues, 1)
    assert (one.status, one.code) == ("accepted", "250 2.1.5")
    assert relay.taken == []


async def test_a_relay_that_refuses_us_fails_nobody_and_all_goes_when_it_takes_us_again(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    sent = [email(number) for number in range(1, 61)]
    async with sending(mailing) as sender:
        await put(queues, email(99))
        await receipts(queues, 1)
        relay.of_us = "553 5.1.8 <no-reply@firm.cn>: Sender address rejected: Domain not found"
        await put(queues, *sent)
        await until(lambda: _refused(sender))
        await asyncio.sleep(1)
        assert await queues.take(RECEIPTS, 10, lease=30) == []
        relay.of_us = ""
        found = await receipts(queues, len(sent))
    assert {one.id for one in found} == {one.id for one in sent}
    assert {one.status for one in found} == {"accepted"}


async def test_a_sender_that_is_refused_holds_nothing_that_another_could_send(
    mailing: Settings, queues: Queues, relay: Relay, serve: Serve, free_port: Callable[[], int]
) -> None:
    port = free_port()
    async with serve(port) as unwilling, sending(msgspec.structs.replace(mailing, smtp_port=port)) as sender:
        await put(queues, email(1))
        await receipts(queues, 1)
        unwilling.of_us = "550 5.7.1 Client host rejected"
        sent = [email(number) for number in range(2, 62)]
        await put(queues, *sent)
        await until(lambda: _refused(sender))
        async with sending(mailing):
            found = await receipts(queues, len(sent))
    assert {one.id for one in found} == {one.id for one in sent}


async def test_what_was_taken_before_is_not_rejected_by_a_broken_copy(
    mailing: Settings, queues: Queues, relay: Relay
) -> None:
    async with sending(mailing):
        await put(queues, email())
        await receipts(queues, 1)
        await queues.publish(SERVICE, [Message(msgspec.json.encode(PLAIN | {"subject": ""}))])
        await until(lambda: _dead(queues))
    assert await queues.take(RECEIPTS, 10, lease=30) == []


async def _taken(relay: Relay) -> bool:
    return bool(relay.taken)


async def _refused(sender: Sender) -> bool:
    return "refuses us at MAIL" in (sender.problem or "")


async def _dead(queues: Queues) -> bool:
    return await queues.size(SERVICE.dead) > 0


async def _code(database: Database) -> str:
    async with database.connection() as connection:
        return str(await connection.fetchval("select code from email_attempt where id = $1", email().id))
