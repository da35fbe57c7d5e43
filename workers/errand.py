"""Errands: jobs that call somebody outside, many side by side on the one event loop of a process of their own.

Those that somebody waits for have a queue and places of their own, so that nothing slow stands before them. The worker
keeps the process running (`side.py`); as a module, this is that process.
"""

import asyncio
import contextlib
import signal
import sys
from functools import partial

import asyncpg
import uvloop

from kernel.errors import Unavailable
from kernel.process.apart import Apart
from kernel.process.parent import end_with_parent
from kernel.queues import SLOW, URGENT, Queue
from kernel.queues.broker import make_queues
from kernel.queues.client import UNREADABLE, Delivery, Queues
from kernel.settings import Settings, current
from kernel.store.database import Database
from kernel.telemetry import logs, metrics, tracing
from workers import handlers  # noqa: F401 - registers every handler
from workers.runtime.job import DATABASE_AWAY, Jobs
from workers.runtime.life import Life
from workers.runtime.loops import Loops
from workers.runtime.message import decode
from workers.runtime.registry import Means
from workers.runtime.side import Board

AT_ONCE = {URGENT: 32, SLOW: 8}
"""Jobs of each queue that are in work at a time."""

_CONNECTIONS = 8
_WAIT = 1.0
_TELL_SECONDS = 1.0
_log = logs.logger(__name__)


class Errands:
    """Takes jobs as places come free, and does each by itself."""

    def __init__(self, queues: Queues, jobs: Jobs, settings: Settings) -> None:
        self._queues, self._jobs, self._lease = queues, jobs, settings.worker_silence
        self._doing: dict[Queue, dict[asyncio.Task[None], Delivery]] = {queue: {} for queue in AT_ONCE}
        self.failing = Apart("jobs outside")

    async def turn(self, queue: Queue) -> float:
        """Begins what there is room for; gives the seconds to wait. Raises `Unavailable`."""
        doing = self._doing[queue]
        if len(doing) == AT_ONCE[queue]:
            await asyncio.wait(doing, timeout=_WAIT, return_when=asyncio.FIRST_COMPLETED)  # a stop is heard meanwhile
            return 0.0
        for delivery in await self._queues.take(queue, AT_ONCE[queue] - len(doing), lease=self._lease, wait=_WAIT):
            task = asyncio.create_task(self._do(delivery))
            doing[task] = delivery
            task.add_done_callback(doing.pop)
        return 0.0

    async def hold(self, queue: Queue) -> float:
        """Keeps what is in work for as long as this process lives; gives the seconds to wait. Raises `Unavailable`."""
        await self._queues.hold(list(self._doing[queue].values()), self._lease)
        return self._lease / 3

    async def finish(self) -> None:
        """Waits for what is in work."""
        while doing := [task for tasks in self._doing.values() for task in tasks]:
            await asyncio.wait(doing)

    async def _do(self, delivery: Delivery) -> None:
        """One job to its end; what could not be done is given back, what could not be settled comes after its lease."""
        self.failing.forget()
        with self.failing.turn(f"{delivery.queue.name} {delivery.tag}"):
            try:
                await self._jobs.do(decode(delivery.body))
            except Unavailable:
                await self._queues.hold([delivery], 0)
                raise
            except (*UNREADABLE, asyncpg.DataError) as error:
                why = type(error).__name__ if isinstance(error, asyncpg.DataError) else str(error)
                _log.warning("a message that is no job was put among the dead", error=why)
                await self._queues.refuse([delivery], why)
            else:
                await self._queues.acknowledge([delivery])


async def _serve(settings: Settings, board: Board) -> None:
    loops, running = Loops(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, loops.stop)
    database = await Database.open(settings.database_url, settings, size=_CONNECTIONS, minimum=0)
    queues, life = make_queues(settings, prefetch=max(AT_ONCE.values())), Life(database, settings, *AT_ONCE)
    means = Means(settings, queues, database)
    errands = Errands(queues, Jobs(database, life.id, means), settings)
    living = asyncio.create_task(life.live())

    async def tell() -> float:
        """What is wrong here is shown where the worker is asked how it is."""
        wrong = {
            **loops.problems,
            "jobs": errands.failing.problem(),
            "handlers": means.failing.problem(),
            "life": life.failing.problem(),
        }
        board.write("; ".join(f"{name}: {problem}" for name, problem in wrong.items() if problem))
        return _TELL_SECONDS

    turns = (loops.run(queue.name, partial(errands.turn, queue)) for queue in AT_ONCE)
    holds = (loops.run(f"hold {queue.name}", partial(errands.hold, queue)) for queue in AT_ONCE)
    await asyncio.gather(*turns, *holds, loops.run("tell", tell))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.drain):
            await errands.finish()
    living.cancel()
    await asyncio.wait([living])
    await queues.close()
    with contextlib.suppress(*DATABASE_AWAY):
        await life.leave()
    await database.close()


def main() -> None:
    """Does errands until a signal, or until its parent is gone; its arguments are the parent, and its board."""
    end_with_parent(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    settings, board = current(), Board(int(sys.argv[2])) if len(sys.argv) > 2 else Board.made()
    logs.configure("worker", settings)
    metrics.start("worker")
    tracing.start("worker", settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, board))
    tracing.stop()


if __name__ == "__main__":
    main()
