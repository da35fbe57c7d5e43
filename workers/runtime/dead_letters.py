"""That every queue is there, and how many messages lie among the dead, measured for whoever watches."""

import time

from kernel.queues import QUEUES
from kernel.queues.client import Queues
from kernel.telemetry import metrics

_PAUSE_SECONDS = 5.0
_PAUSE_TIMES = 100
"""The pause is at least so many times as long as the asking took: PGMQ counts rows, and may cost 1 % at most."""


class DeadLetters:
    """Declares every queue, so that gateways may come first, and asks for the size of those of dead letters."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    async def turn(self) -> float:
        """Sets the gauge of each queue and gives the seconds to wait; raises `Unavailable`."""
        began = time.monotonic()
        await self._queues.declare(QUEUES)
        for queue in QUEUES:
            if queue.is_dead:
                metrics.DEAD_LETTERS.labels(queue.name).set(await self._queues.size(queue))
        return max(_PAUSE_SECONDS, _PAUSE_TIMES * (time.monotonic() - began))
