"""Many messages written at once arrive as if each had been published alone, and none is confirmed that was returned."""

from collections.abc import Iterator

import aiormq
import pytest

from kernel.queues import RECEIPTS, pipeline
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.queues.pipeline import Way
from kernel.settings import Settings
from tests.brokers import on_rabbitmq


@pytest.fixture
def rabbit(own_settings: Settings) -> Iterator[Settings]:
    """RabbitMQ, with queues of the test's own."""
    yield from on_rabbitmq(own_settings)


async def test_ids_headers_and_great_bodies_arrive_as_they_were(rabbit: Settings) -> None:
    great = b'"' + b"x" * 350_000 + b'"'
    given = [
        Message(b'{"n": 1}', {}, "one"), Message(b"{}", {"a": 1}, "two"), Message(great, {"a": "x"}, ""),
        Message("“é”".join(['"', '"']).encode(), {}, "???"), Message(b"[]", {"a": 1}, "six"),
    ]  # fmt: skip
    async with open_queues(rabbit) as queues:
        await queues.publish(RECEIPTS, given)
        taken = await queues.take(RECEIPTS, 10, lease=30, wait=5)
        while len(taken) < len(given):
            taken += await queues.take(RECEIPTS, 10, lease=30, wait=5)
        assert [(one.body, one.headers) for one in taken] == [(one.body, one.headers) for one in given]
        await queues.acknowledge(taken[1:])
        await queues.acknowledge(taken[:1])
        assert await queues.size(RECEIPTS) == 0
    async with await aiormq.connect(rabbit.broker_url) as connection:
        channel = await connection.channel()
        queue = await channel.queue_declare(rabbit.queue_prefix + RECEIPTS.name, passive=True)
        assert queue.message_count == 0, "settled in any order"


async def test_what_no_queue_takes_is_an_error_and_the_rest_is_stored(rabbit: Settings) -> None:
    async with open_queues(rabbit) as queues:
        await queues.publish(RECEIPTS, [Message(b"{}", id="first")])
        async with await aiormq.connect(rabbit.broker_url) as connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            assert isinstance(channel, aiormq.channel.Channel)
            name = rabbit.queue_prefix + RECEIPTS.name
            with pytest.raises(aiormq.exceptions.PublishError):
                await pipeline.publish(channel, Way("", "no-such-queue"), [Message(b"{}", id="lost")], 10)
            await pipeline.publish(channel, Way("", name), [Message(b"{}", id="second")], 10)
            assert channel.message_id_delivery_tag == {}
        assert len(await queues.take(RECEIPTS, 10, lease=30, wait=5)) == 2
