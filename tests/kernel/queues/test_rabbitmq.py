"""RabbitMQ: outbound queues hang on their exchange, and a broker that is away is not asked without end."""

from collections.abc import Iterator

import aiormq
import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.queues import OUTBOUND
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.queues.rabbitmq import RabbitQueues, arguments
from kernel.settings import Settings
from tests.brokers import on_rabbitmq
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
