"""RabbitMQ: outbound queues hang on their exchange, and a broker that is away is not asked without end."""

import asyncio
import math
import secrets
from collections.abc import Iterator
from typing import Any, cast

import aiormq
import aiormq.exceptions
import msgspec
import pytest
from aiormq.channel import Channel
from pamqp import commands as spec

from kernel.errors import Unavailable
from kernel.queues import INBOUND, OUTBOUND, QUEUES, RECEIPTS, WORK
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.queues.rabbitmq import RabbitQueues, _Subscription, arguments
from kernel.settings import Settings
from tests.brokers import on_rabbitmq, rabbitmq_user
from tests.conftest import BROKER_URL

SMS = OUTBOUND[0]


@pytest.fixture
def rabbitmq(settings: Settings) -> Iterator[Settings]:
    """Settings with RabbitMQ as broker."""
    yield from on_rabbitmq(settings)


async def test_other_gateways_reach_a_queue_by_the_exchange(rabbitmq: Settings) -> None:
    queues = RabbitQueues(rabbitmq)
    await queues.publish(SMS, [Message(b'"ours"')])
    async with await aiormq.connect(BROKER_URL) as connection:
        channel = await connection.channel()
        exchange = rabbitmq.queue_prefix + "hexad.outbound"
        await channel.basic_publish(b'"theirs"', exchange=exchange, routing_key="sms.transactional.main")
    taken = await queues.take(SMS, 1, lease=30, wait=5) + await queues.take(SMS, 1, lease=30, wait=5)
    await queues.close()
    assert [one.body for one in taken] == [b'"ours"', b'"theirs"']


async def _refused(url: str, exchange: str, key: str, user: str | None = None) -> int:
    """The code with which the broker refuses a message of a gateway, 0 where it stores it."""
    properties = spec.Basic.Properties(delivery_mode=2, user_id=user)
    async with await aiormq.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            await channel.basic_publish(
                b'"theirs"', exchange=exchange, routing_key=key, properties=properties, mandatory=True
            )
        except aiormq.exceptions.ChannelAccessRefused:
            return 403
        except aiormq.exceptions.ChannelPreconditionFailed:
            return 406
        except aiormq.exceptions.PublishError:
            return 312
    return 0


async def test_a_gateway_writes_to_its_two_queues_under_its_own_name_and_nowhere_else(rabbitmq: Settings) -> None:
    queues, prefix, name = RabbitQueues(rabbitmq), rabbitmq.queue_prefix, f"gw-{secrets.token_hex(4)}"
    await queues.declare(QUEUES)
    with rabbitmq_user(name, rabbitmq) as url:
        for key in (prefix + WORK.name, prefix + "outbound.email.service.main", prefix + RECEIPTS.name):
            assert await _refused(url, "", key) == 403, "the default exchange reaches every queue"
        assert await _refused(url, prefix + "hexad.outbound", "email.service.main") == 403
        for key in ("email.service.main", WORK.name, prefix + RECEIPTS.name, "#"):
            assert await _refused(url, prefix + "hexad.gateway", key) == 312, "it leads to two queues alone"
        assert await _refused(url, prefix + "hexad.gateway", "gateway.receipts", "another") == 406
        assert await _refused(url, prefix + "hexad.gateway", "gateway.receipts", name) == 0
        assert await _refused(url, prefix + "hexad.gateway", "gateway.inbound") == 0
    await queues.publish(RECEIPTS, [Message(b'"ours"')])
    taken = [one for _ in range(2) for one in await queues.take(RECEIPTS, 9, lease=30, wait=5)][:2]
    taken += await queues.take(INBOUND, 9, lease=30, wait=5)
    assert [(one.body, one.publisher) for one in taken] == [(b'"theirs"', name), (b'"ours"', None), (b'"theirs"', "")]
    assert {await queues.size(queue) for queue in QUEUES} == {0}
    await queues.close()


async def test_what_a_gateway_cannot_read_goes_among_the_dead_by_its_reject(rabbitmq: Settings) -> None:
    queues, name = RabbitQueues(rabbitmq), f"gw-{secrets.token_hex(4)}"
    await queues.publish(SMS, [Message(b'"?"')])
    with rabbitmq_user(name, rabbitmq) as url:
        async with await aiormq.connect(url) as connection:
            channel = await connection.channel()
            found = await channel.basic_get(rabbitmq.queue_prefix + SMS.name)
            assert found.delivery_tag is not None
            await channel.basic_reject(found.delivery_tag, requeue=False)
        dead = await queues.take(SMS.dead, 9, lease=30, wait=10)
    assert [one.body for one in dead] == [b'"?"']
    await queues.close()


async def test_what_was_declared_waits_for_gateways_that_come_first(rabbitmq: Settings) -> None:
    queues = RabbitQueues(rabbitmq)
    await queues.declare(QUEUES)
    async with await aiormq.connect(BROKER_URL) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            found = await channel.queue_declare(rabbitmq.queue_prefix + queue.name, passive=True)
            assert (found.message_count, found.consumer_count) == (0, 0)
    await queues.close()


def test_queues_are_replicated_and_keep_what_is_refused() -> None:
    assert arguments("q")["x-queue-type"] == arguments("q.dead")["x-queue-type"] == "quorum"
    assert arguments("q")["x-dead-letter-routing-key"] == "q.dead"
    assert "x-dead-letter-routing-key" not in arguments("q.dead")
    for name in ("q", "q.dead"):
        assert arguments(name)["x-delivery-limit"] > 10_000, "RabbitMQ 4 gives up after 20 deliveries by default"


async def test_a_broker_that_is_away_is_said_to_be_and_not_asked_at_once_again(settings: Settings) -> None:
    away = msgspec.structs.replace(settings, broker_url="amqp://guest:guest@127.0.0.1:1/")
    async with open_queues(away) as queues:
        for _ in range(3):
            with pytest.raises(Unavailable, match="RabbitMQ"):
                await queues.publish(SMS, [Message(b"{}")])


async def test_who_holds_nothing_learns_nothing_of_the_broker(settings: Settings) -> None:
    queues = RabbitQueues(msgspec.structs.replace(settings, broker_url="amqp://guest:guest@127.0.0.1:1/"))
    with pytest.raises(Unavailable):
        await queues.take(SMS, 1, lease=30)
    await queues.hold([], 30)
    await queues.acknowledge([])
    assert queues._backoff.pause > 0, "it is still away"
    await queues.close()


async def test_what_goes_back_is_not_acknowledged_with_what_came_after_it() -> None:
    """To acknowledge all up to a tag is one word: it comes after the word that gives an older one back."""
    said, may_say = list[tuple[Any, ...]](), asyncio.Event()

    class Slow:
        async def basic_nack(self, tag: int, *, requeue: bool, wait: bool) -> None:
            await may_say.wait()
            said.append(("nack", tag, requeue))

        async def basic_ack(self, tag: int, *, multiple: bool = False, wait: bool) -> None:
            said.append(("ack", tag, multiple))

    subscription = _Subscription(SMS, cast("Channel", Slow()), 10, "ourselves")
    subscription._leased = {1: math.inf, 2: math.inf, 3: math.inf}
    async with asyncio.TaskGroup() as group:
        group.create_task(subscription.hold([1], 0))
        await asyncio.sleep(0.01)
        group.create_task(subscription.acknowledge([2]))
        await asyncio.sleep(0.01)
        may_say.set()
    assert said == [("nack", 1, True), ("ack", 2, True)]


async def test_whoever_connects_for_too_long_is_waited_for_in_bounds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel.queues.rabbitmq.CONFIRM_SECONDS", 0.01)
    queues = RabbitQueues(msgspec.structs.replace(settings, broker_url="amqp://127.0.0.1:1/"))
    async with queues._lock:
        with pytest.raises(Unavailable, match="RabbitMQ does not answer: TimeoutError"):
            await queues.declare([WORK])
