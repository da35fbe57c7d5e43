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

    @property
    def is_dead(self) -> bool:
        """Whether this is itself a queue of dead letters."""
        return self.name.endswith(".dead")

    @property
    def topic(self) -> str:
        """The routing key of an outbound queue on the exchange `hexad.outbound`; empty for every other queue."""
        return "" if self.is_dead or not self.name.startswith("outbound.") else self.name.removeprefix("outbound.")

    @property
    def route(self) -> tuple[str, str]:
        """Exchange and routing key on RabbitMQ; those of the default exchange, which nobody else may use, are empty."""
        if self.topic:
            return OUTBOUND_EXCHANGE, self.topic
        return (GATEWAY_EXCHANGE, self.name) if self in (RECEIPTS, INBOUND) else ("", "")


OUTBOUND_EXCHANGE, GATEWAY_EXCHANGE = "hexad.outbound", "hexad.gateway"
"""Where we publish for gateways, and where they publish for us, which is bound to two queues alone."""

WORK = Queue("work.default")
URGENT, SLOW = Queue("work.urgent"), Queue("work.slow")
"""Jobs that call somebody outside have queues of their own: nobody waits in them for what somebody waits for."""

OUTBOUND = [
    Queue(f"outbound.{channel}.{purpose}.main")
    for channel, purpose in product(("sms", "email", "push"), ("transactional", "service", "marketing"))
]
RECEIPTS, INBOUND = Queue("gateway.receipts"), Queue("gateway.inbound")
GATEWAY = [*OUTBOUND, RECEIPTS, INBOUND]
QUEUES = [queue for living in (WORK, URGENT, SLOW, *GATEWAY) for queue in (living, living.dead)]
"""Every queue that `hexad migrate` makes on PGMQ; on RabbitMQ each is declared by whoever opens it."""
