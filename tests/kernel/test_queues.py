"""Messages are published, leased, settled and refused alike on PGMQ and on RabbitMQ."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import msgspec
import pytest

from kernel.errors import InvalidInput, Unavailable
from kernel.queues import OUTBOUND, QUEUES, RECEIPTS, Queue
from kernel.queues.client import Delivery, Message, Queues, open_queues
from kernel.settings import Settings
from tests.brokers import broker
from tests.conftest import BROKER_URL

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
    async with asyncio.timeout(10):
        while not again:
            again = await queues.take(RECEIPTS, 1, lease=30, wait=0.5)
    assert ids(again) == ["a"]
    assert again[0].attempts == 2


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


async def test_the_size_is_what_waits(queues: Queues) -> None:
    await queues.publish(SMS, messages(*"abcde"))
    assert await queues.size(SMS) == 5
    assert await queues.size(RECEIPTS) == 0


@pytest.mark.parametrize("body", [b"", b"not json", b'"\xff"', b'{"a": "\\u0000"}'])
async def test_a_body_that_is_not_json_is_refused(queues: Queues, broker: Settings, body: bytes) -> None:
    if b"u0000" in body and broker.broker_url:
        pytest.skip("RabbitMQ stores any text")
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


async def test_outbound_queues_are_bound_to_the_exchange_for_other_gateways(queues: Queues, broker: Settings) -> None:
    if not broker.broker_url:
        pytest.skip("PGMQ has no exchanges")
    await queues.publish(SMS, messages("a"))
    async with await aio_pika.connect(BROKER_URL) as connection, connection.channel() as channel:
        exchange = await channel.get_exchange(broker.queue_prefix + "hexad.outbound")
        await exchange.publish(aio_pika.Message(b'{"id": "b"}'), routing_key="sms.transactional.main")
    got = await queues.take(SMS, 5, lease=30, wait=5)
    got += await queues.take(SMS, 5, lease=30, wait=1) if len(got) < 2 else []
    assert ids(got) == ["a", "b"]


async def test_a_broker_that_is_away_is_said_to_be_and_not_asked_at_once_again(settings: Settings) -> None:
    away = msgspec.structs.replace(settings, broker_url="amqp://guest:guest@127.0.0.1:1/")
    async with open_queues(away) as queues:
        for _ in range(3):
            with pytest.raises(Unavailable, match="RabbitMQ"):
                await queues.publish(SMS, messages("a"))


async def test_a_closed_connection_is_opened_again(queues: Queues) -> None:
    await queues.publish(SMS, messages("a"))
    await queues.close()
    assert ids(await queues.take(SMS, 1, lease=30, wait=5)) == ["a"]


def test_every_queue_has_its_dead_letters() -> None:
    names = {queue.name for queue in QUEUES}
    assert all(queue.dead.name in names for queue in QUEUES if not queue.is_dead)
    assert Queue("outbound.sms.service.main").topic == "sms.service.main"
    assert Queue("outbound.sms.service.main.dead").topic == ""
