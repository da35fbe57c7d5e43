"""What lies among the dead is counted by queue, on both brokers, and so seldom that counting costs next to nothing."""

import aiormq

from kernel.queues import OUTBOUND, QUEUES, WORK
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from kernel.telemetry import metrics
from workers.runtime.dead_letters import DeadLetters


async def test_dead_letters_are_counted_by_queue(broker: Settings) -> None:
    async with open_queues(broker) as queues:
        await queues.publish(WORK.dead, [Message(b"1"), Message(b"2")])
        await queues.publish(OUTBOUND[0], [Message(b"3")])
        assert await DeadLetters(queues).turn() >= 5.0
        await _are_all_there(broker)
    said = metrics.render()[0].decode()
    assert 'hexad_dead_letters_waiting{queue="work.default.dead"} 2.0' in said
    assert f'hexad_dead_letters_waiting{{queue="{OUTBOUND[0].dead.name}"}} 0.0' in said
    assert f'{{queue="{OUTBOUND[0].name}"}}' not in said


async def _are_all_there(settings: Settings) -> None:
    """Whether a gateway that comes before any message finds its queue."""
    if not settings.broker_url:
        return
    async with await aiormq.connect(settings.broker_url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.queue_declare(settings.queue_prefix + queue.name, passive=True)
