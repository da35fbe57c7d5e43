"""The queues that leave the database: Celery's own and those that gateways consume, on PGMQ or RabbitMQ alike."""

from itertools import product

from msgspec import Struct


class Queue(Struct, frozen=True):
    """One durable queue: `name` on RabbitMQ, `table` on PGMQ."""

    name: str

    @property
    def table(self) -> str:
        """The queue's name on PGMQ, where a dot is not allowed."""
        return self.name.replace(".", "_")

    @property
    def dead(self) -> "Queue":
        """Where messages go that nobody could take."""
        return Queue(f"{self.name}.dead")


WORK = Queue("work.default")
OUTBOUND = [
    Queue(f"outbound.{channel}.{purpose}.main")
    for channel, purpose in product(("sms", "email", "push"), ("transactional", "service", "marketing"))
]
RECEIPTS, INBOUND = Queue("gateway.receipts"), Queue("gateway.inbound")
GATEWAY = [*OUTBOUND, RECEIPTS, INBOUND]
QUEUES = [WORK, *GATEWAY, *(queue.dead for queue in GATEWAY)]
"""Every queue that `hexad migrate` makes on PGMQ; on RabbitMQ each is declared by whoever opens it."""
