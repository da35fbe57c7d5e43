"""Messages are published, leased, settled and refused alike on PGMQ and on RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from kernel.errors import InvalidInput
from kernel.queues import OUTBOUND, RECEIPTS
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message, Queues
from kernel.settings import Settings
from tests.brokers import broker

__all__ = ["broker"]

SMS = OUTBOUND[0]


def messages(*bodies: str) -> list[Message]:
    return [Message(f'{{"id": "{body}"}}'.encode(), {"n": body}) for body in bodies]


def ids(deliveries: list[Delivery]) -> list[str]:
    return [msgspec.json.decode(one.body)["id"] for one in deliveries]


@pytest.fixture
async def queues(broker: Settings) -> AsyncIterator[Queues]:
    async with open_queues(broker) as opened:
        yield opened


async def test_what_is_published_is_taken_in_order_and_gone_when_acknowledged(queues: Queues) -> None:
    await queues.publish(SMS, messages("a", "b", "c"))
    first = await queues.take(SMS, 2, lease=30, wait=5)
    assert ids(first) == ["a", "b"]
    assert first[0].headers == {"n": "a"}
    assert first[0].attempts == 1
    await queues.acknowledge(first)
    assert ids(await queues.take(SMS, 10, lease=30, wait=5)) == ["c"]
    assert await queues.take(SMS, 10, lease=30) == []


async def test_what_is_not_settled_in_its_lease_comes_again(queues: Queues) -> None:
    await queues.publish(RECEIPTS, messages("a"))
    assert ids(await queues.take(RECEIPTS, 1, lease=1, wait=5)) == ["a"]
    assert await queues.take(RECEIPTS, 1, lease=1) == []
    again: list[Delivery] = []
    async with asyncio.timeout(60):
        while not again:
            again = await queues.take(RECEIPTS, 1, lease=30, wait=0.5)
    assert ids(again) == ["a"]
    assert again[0].attempts == 2


async def test_what_is_held_on_comes_later_and_what_is_given_back_at_once(queues: Queues) -> None:
    await queues.publish(RECEIPTS, messages("a", "b"))
    taken = await queues.take(RECEIPTS, 2, lease=1, wait=5)
    await queues.hold(taken[:1], 3600)
    again: list[Delivery] = []
    async with asyncio.timeout(60):
        while not again:
            again = await queues.take(RECEIPTS, 2, lease=3600, wait=0.5)
    assert ids(again) == ["b"]
    await queues.hold(taken[:1], 0)
    assert ids(await queues.take(RECEIPTS, 2, lease=3600, wait=5)) == ["a"]
    await queues.hold([], 1)


async def test_what_another_client_held_when_it_closed_comes_again(queues: Queues, broker: Settings) -> None:
    await queues.publish(RECEIPTS, messages("a"))
    async with open_queues(broker) as other:
        assert ids(await other.take(RECEIPTS, 1, lease=1, wait=5)) == ["a"]
    assert ids(await queues.take(RECEIPTS, 1, lease=30, wait=5)) == ["a"]


async def test_what_is_refused_waits_among_the_dead_with_its_reason(queues: Queues) -> None:
    await queues.publish(SMS, messages("a"))
    await queues.refuse(await queues.take(SMS, 1, lease=30, wait=5), "no such number")
    dead = await queues.take(SMS.dead, 1, lease=30, wait=5)
    assert ids(dead) == ["a"]
    assert dead[0].headers == {"n": "a", "x-hexad-reason": "no such number"}
    assert await queues.take(SMS, 1, lease=30) == []


async def test_what_is_released_is_there_for_another_client_at_once(queues: Queues, broker: Settings) -> None:
    await queues.publish(SMS, messages("a", "b"))
    assert ids(await queues.take(SMS, 1, lease=1, wait=5)) == ["a"]
    await queues.release(SMS)
    async with open_queues(broker) as other:
        came: list[str] = []
        async with asyncio.timeout(30):
            while len(came) < 2:
                taken = await other.take(SMS, 2, lease=30, wait=1)
                came += ids(taken)
                await other.acknowledge(taken)
    assert sorted(came) == ["a", "b"]
    await queues.release(SMS)
    await queues.publish(SMS, messages("c"))
    assert ids(await queues.take(SMS, 1, lease=30, wait=5)) == ["c"]


async def test_the_size_is_what_waits(queues: Queues) -> None:
    await queues.publish(SMS, messages(*"abcde"))
    assert await queues.size(SMS) == 5
    assert await queues.size(RECEIPTS) == 0


@pytest.mark.parametrize("body", [b"", b"not json", b'"\xff"', b"[" * 5000 + b"]" * 5000])
async def test_a_body_that_is_not_json_is_refused(queues: Queues, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        await queues.publish(SMS, [Message(body)])
    await queues.publish(SMS, messages("a"))
    assert ids(await queues.take(SMS, 5, lease=30, wait=5)) == ["a"]


async def test_a_thousand_messages_are_published_at_once(queues: Queues) -> None:
    numbers = [str(n) for n in range(1200)]
    await queues.publish(SMS, messages(*numbers))
    came: list[str] = []
    async with asyncio.timeout(30):
        while len(came) < len(numbers):
            batch = await queues.take(SMS, 500, lease=30, wait=5)
            came += ids(batch)
            await queues.acknowledge(batch)
    assert came == numbers


async def test_a_closed_connection_is_opened_again(queues: Queues) -> None:
    await queues.publish(SMS, messages("a"))
    await queues.close()
    assert ids(await queues.take(SMS, 1, lease=30, wait=5)) == ["a"]
