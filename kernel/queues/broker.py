"""The choice of the broker: PGMQ in the database, or RabbitMQ."""

import contextlib
from collections.abc import AsyncIterator

from kernel.queues.client import Queues
from kernel.queues.pgmq import PgmqQueues
from kernel.queues.rabbitmq import PREFETCH, RabbitQueues
from kernel.settings import Settings


def make_queues(settings: Settings, prefetch: int = PREFETCH) -> Queues:
    """The queues of the broker that `settings.broker_url` names (empty: PGMQ); connects when first used.

    Whoever makes them closes them. At most `prefetch` messages of a queue are held by one client of RabbitMQ.
    """
    return RabbitQueues(settings, prefetch) if settings.broker_url else PgmqQueues(settings)


@contextlib.asynccontextmanager
async def open_queues(settings: Settings, prefetch: int = PREFETCH) -> AsyncIterator[Queues]:
    """The same, closed when the block ends."""
    queues = make_queues(settings, prefetch)
    try:
        yield queues
    finally:
        await queues.close()
