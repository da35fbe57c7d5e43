"""The process `hexad mail`: sends e-mail until a signal, then ends what is in hand."""

import asyncio
import contextlib
import signal
from functools import partial
from typing import Any

import uvloop

from kernel.process.apart import Apart
from kernel.process.probes import Check, Probes
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import logs, metrics
from workers.runtime.gate import Gate
from workers.runtime.loops import Loops
from workers.smtp.pool import Pool
from workers.smtp.sender import IN_HAND, QUEUES, Sender

_CONNECTIONS = 4


def mail(settings: Settings) -> None:
    """Takes e-mail from the queues to the relay; `settings.database_url` must name the database."""
    logs.configure("mailer", settings)
    metrics.start("mailer")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_mail(settings))


async def _mail(settings: Settings) -> None:
    gate, loops, pool = Gate(settings), Loops(), Pool(settings)
    checks: dict[str, Check] = {queue.name: partial(loops.problems.get, queue.name) for queue in QUEUES}
    checks["deferred"] = partial(loops.problems.get, "deferred")
    failing = Apart("mail")
    checks |= {"schema": lambda: gate.problem, "relay": lambda: pool.shown, "messages": failing.problem}
    with Probes("mailer", settings, checks, instance=lambda: gate.instance) as probes:
        if not await gate.passed(probes.beat):
            return
        database = await Database.open(settings.database_url, settings, size=_CONNECTIONS, minimum=0)
        async with open_queues(settings, prefetch=IN_HAND) as queues:
            sender = Sender(settings, database, queues, pool, failing)
            running = asyncio.gather(
                *(loops.run(queue.name, partial(sender.turn, queue)) for queue in QUEUES),
                loops.run("relay", pool.check),
                loops.run("deferred", sender.turn_deferred),
                loops.run("memory", sender.forget),
                loops.run("count", sender.count),
                loops.run("pulse", partial(_pulse, probes)),
            )
            await _until_signal(running, loops, sender, settings.drain)
        await pool.close()
        await database.close()


async def _until_signal(running: "asyncio.Future[Any]", loops: Loops, sender: Sender, drain: float) -> None:
    """Waits for the loops and for what is in hand, at a signal no longer than the drain: the rest then comes again."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def stop() -> None:
        loops.stop()
        loop.call_later(drain, over.cancel)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    ending = asyncio.gather(_drained(running, sender))
    await asyncio.wait([ending, over], return_when=asyncio.FIRST_COMPLETED)
    for task in (running, ending):
        task.cancel()
    sender.abandon()
    with contextlib.suppress(asyncio.CancelledError):
        await ending


async def _drained(running: "asyncio.Future[Any]", sender: Sender) -> None:
    await running
    await sender.drained()


async def _pulse(probes: Probes) -> float:
    probes.beat()
    return 1.0
