"""The SMS gateway on both brokers: every message ends with its receipts or among the dead, whatever happens between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from hexad.simulators.mailbox import Mailbox
from hexad.simulators.rules import Manner
from hexad.simulators.sms import QUEUES, Gateway
from kernel.queues import RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message, Queues
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Receipt, Sms
from tests.brokers import broker
from tests.hexad.simulators.test_rules import PLAIN
from tests.hexad.simulators.test_rules import sms as sms_of_a_day

__all__ = ["broker"]


def sms(to: str) -> Sms:
    """A message that may be sent for years."""
    return sms_of_a_day(to, expires_in=10**9)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop does not wait long for the question that is under way."""
    monkeypatch.setattr("hexad.simulators.sms._WAIT", 0.2)


@pytest.fixture
async def queues(broker: Settings) -> AsyncIterator[Queues]:
    async with open_queues(broker) as opened:
        yield opened


@contextlib.asynccontextmanager
async def gateway(settings: Settings, manner: Manner = PLAIN) -> AsyncIterator[Gateway]:
    """A gateway that serves until the block ends."""
    stop = asyncio.Event()
    async with open_queues(settings) as own:
        serving = Gateway(own, Mailbox(settings.var), manner)
        task = asyncio.create_task(serving.serve(stop))
        try:
            yield serving
        finally:
            stop.set()
            await asyncio.wait_for(task, 60)


async def receipts(queues: Queues, count: int) -> list[Receipt]:
    """The next receipts, in the order in which they came."""
    found: list[Receipt] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            taken = await queues.take(RECEIPTS, 100, lease=30, wait=1)
            found += [msgspec.json.decode(one.body, type=Receipt) for one in taken]
            await queues.acknowledge(taken)
    return found


async def send(queues: Queues, queue: Queue, *messages: Sms) -> None:
    """Puts messages where we would."""
    await queues.publish(queue, [Message(msgspec.json.encode(one), id=str(one.id)) for one in messages])


async def test_every_purpose_is_served_and_receipts_come_in_order(broker: Settings, queues: Queues) -> None:
    sent = [sms(f"+861380000{number}999") for number in range(3)]
    async with gateway(broker) as serving:
        for queue, one in zip(QUEUES, sent, strict=True):
            await send(queues, queue, one)
        found = await receipts(queues, 6)
        assert serving.problem is None
    for one in sent:
        assert [receipt.status for receipt in found if receipt.id == one.id] == ["accepted", "delivered"]
    assert {letter.to for letter in Mailbox(broker.var).newest(10)} == {one.to for one in sent}
    assert [await queues.size(queue) for queue in QUEUES] == [0, 0, 0]


async def test_a_repeated_id_is_answered_again_and_shown_to_nobody_twice(broker: Settings, queues: Queues) -> None:
    one = sms("+8613800009999")
    async with gateway(broker):
        await send(queues, QUEUES[1], one, one)
        assert len(await receipts(queues, 4)) == 4
    async with gateway(broker):  # which has its memory from the mailbox
        await send(queues, QUEUES[1], one)
        assert {receipt.id for receipt in await receipts(queues, 2)} == {one.id}
    assert [letter.id for letter in Mailbox(broker.var).newest(10)] == [str(one.id)]


async def test_what_is_malformed_lies_among_the_dead_with_the_reason(broker: Settings, queues: Queues) -> None:
    good = sms("+8613800009999")
    forged = msgspec.json.encode(msgspec.to_builtins(good) | {"to": "nobody"})
    async with gateway(broker):
        await queues.publish(QUEUES[0], [Message(forged), Message(b"[]")])
        await send(queues, QUEUES[0], good)
        assert {one.id for one in await receipts(queues, 2)} == {good.id}
        dead: list[Delivery] = []
        async with asyncio.timeout(30):
            while len(dead) < 2:
                dead += await queues.take(QUEUES[0].dead, 10, lease=30, wait=1)
    assert min(one.body for one in dead) == b"[]"
    assert all(one.headers["x-hexad-reason"] for one in dead)


async def test_a_message_taken_by_one_that_died_is_answered_by_the_next(broker: Settings, queues: Queues) -> None:
    one = sms("+8613800009999")
    await send(queues, QUEUES[0], one)
    async with open_queues(broker) as dying:
        assert await dying.take(QUEUES[0], 10, lease=1, wait=5)
    async with gateway(broker):
        assert [receipt.status for receipt in await receipts(queues, 2)] == ["accepted", "delivered"]


async def test_a_stop_does_not_wait_for_late_receipts_and_their_messages_come_again(
    broker: Settings, queues: Queues
) -> None:
    one = sms("+8613800009999")
    async with gateway(broker, Manner(delay=3600)):
        await send(queues, QUEUES[0], one)
        assert [receipt.status for receipt in await receipts(queues, 1)] == ["accepted"]
    assert await queues.size(RECEIPTS) == 0


async def test_many_with_doubles_and_disorder_all_end(broker: Settings, queues: Queues) -> None:
    sent = [sms(f"+8613{number:09}") for number in range(300)]
    async with gateway(broker, Manner(delay=0.2, duplicate=0.3, shuffle=True)):
        await send(queues, QUEUES[1], *sent)
        found = await receipts(queues, 600)
        async with asyncio.timeout(30):
            while {(one.id, one.status) for one in found} < {(one.id, "delivered") for one in sent}:
                found += await receipts(queues, 1)
    assert {one.id for one in found} == {one.id for one in sent}
