"""The choice of the broker: PGMQ in the database, or RabbitMQ."""

import contextlib
from collections.abc import AsyncIterator

from kernel.queues.client import Queues
from kernel.queues.pgmq import PgmqQueues
from kernel.queues.rabbitmq import RabbitQueues
from kernel.settings import Settings


def make_queues(settings: Settings) -> Queues:
    """The queues of the broker that `settings.broker_url` names (empty: PGMQ); connects when first used.

    Whoever makes them closes them.
    """
    return RabbitQueues(settings) if settings.broker_url else PgmqQueues(settings)


@contextlib.asynccontextmanager
async def open_queues(settings: Settings) -> AsyncIterator[Queues]:
    """The same, closed when the block ends."""
    queues = make_queues(settings)
    try:
        yield queues
    finally:
        await queues.close()
