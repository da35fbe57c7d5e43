"""Each process from its start to its graceful stop: `work`, `relay` and `beat` return when a signal has ended them.

`settings.database_url` must name the database, the embedded one too.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import Any, NoReturn

import psycopg
import uvloop
from billiard import pool
from celery import signals
from celery.apps import worker as celerys
from celery.beat import Service

from kernel.audit.anchor import anchor
from kernel.audit.seal import BATCH, Sealer
from kernel.bus.choice import open_bus
from kernel.process.apart import Apart
from kernel.process.probes import Check, Probes
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import logs, metrics
from workers import handlers  # noqa: F401 - registers every handler
from workers.messaging.lease import Leases
from workers.messaging.outbound import TAKINGS, Sender, Taker, Tidier
from workers.messaging.silence import Silence
from workers.runtime.app import consumed, make_app
from workers.runtime.child import Child
from workers.runtime.dead_letters import DeadLetters
from workers.runtime.gate import Gate
from workers.runtime.loops import Loops
from workers.runtime.measure import Measure
from workers.runtime.message import Job
from workers.runtime.reaper import Reaper
from workers.runtime.relay import Relay
from workers.runtime.schedule import Scheduler
from workers.runtime.side import Side

_SEAL_SECONDS = 1.0
_CONNECTIONS = 12
_RELAY_LOOPS = (
    "relay",
    "reaper",
    "measure",
    "sealer",
    "sender",
    "tidier",
    "receipts",
    "replies",
    "named",
    "dead letters",
    "leases",
    "silence",
)
_log = logs.logger(__name__)


def work(settings: Settings) -> NoReturn:
    """Handles jobs in children until SIGTERM or SIGINT, then lets them finish for at most `settings.drain`."""
    logs.configure("worker", settings)
    celerys.safe_say = _say
    # A stopping child waits for its last result to be read, which Celery forgets to do for a job handed over just then;
    # not for 30 s but for 1 s: what is not read is delivered again and found done.
    pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10
    child = Child(settings)
    app = make_app(settings, child.do)
    signals.setup_logging.connect(_leave_logging_alone)
    signals.worker_process_init.connect(child.start)
    signals.worker_process_shutdown.connect(child.stop)
    worker = _Worker(settings, app=app, queues=[consumed(settings)], quiet=True, without_mingle=True,
                     without_gossip=True, without_heartbeat=True)  # fmt: skip
    signals.worker_shutting_down.connect(worker.asked_to_stop)
    with worker.probes:
        metrics.share("worker", settings)  # the port is ours now, so the folder is too
        metrics.start("worker")
        if asyncio.run(worker.gate.passed(worker.turned)):
            worker.side = Side(settings)
            worker.side.start()
            worker.start()
            worker.side.stop(settings.drain)
    sys.exit(0 if worker.asked else worker.exitcode)


def relay(settings: Settings) -> None:
    """Moves events to the broker, seals the audit log and takes back the jobs of dead workers, until a signal."""
    logs.configure("relay", settings)
    metrics.start("relay")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_relay(settings))


def beat(settings: Settings) -> None:
    """Starts what is due by the clock, until a signal."""
    logs.configure("beat", settings)
    metrics.start("beat")
    gate, service = Gate(settings), Service(make_app(settings, _no_jobs))
    checks: dict[str, Check] = {"schema": lambda: gate.problem, "database": lambda: service.scheduler.problem}
    probes = Probes("beat", settings, checks, instance=lambda: gate.instance)
    service.scheduler_cls = partial(Scheduler, settings, probes.beat)
    with probes:
        if asyncio.run(gate.passed(probes.beat)):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: service._is_shutdown.set())  # its own `stop` prints
            service.start()


class _Worker(celerys.Worker):
    """Celery's worker with our health port, whose main loop says that it turns."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        self._settings, self.asked, self.gate = settings, False, Gate(settings)
        self.side: Side | None = None
        checks = {
            "schema": lambda: self.gate.problem,
            "broker": self._broker_problem,
            "database": self._database_problem,
            "errands": lambda: self.side.problem if self.side else "they begin with the worker",
        }
        self.probes = Probes("worker", settings, checks, instance=lambda: self.gate.instance)
        super().__init__(**options)

    def asked_to_stop(self, **_: Any) -> None:
        """Called at the signal: what still runs after the drain is left to another worker."""
        self.asked = True
        if self.side:
            self.side.ask()
        threading.Thread(target=_give_up_after, args=(self._settings.drain,), daemon=True).start()

    def turned(self) -> None:
        """Called by the consumer while it waits for the broker, and by the loop."""
        self.probes.beat()

    def register_with_event_loop(self, hub: Any) -> None:
        super().register_with_event_loop(hub)
        hub.on_tick.add(self.turned)

    def _broker_problem(self) -> str | None:
        return None if getattr(self.consumer, "connection", None) else "the broker does not answer"

    def _database_problem(self) -> str | None:
        try:
            with psycopg.connect(self._settings.database_url, connect_timeout=2):
                return None
        except psycopg.Error:
            return "PostgreSQL does not answer"


async def _relay(settings: Settings) -> None:
    gate, loops, running = Gate(settings), Loops(), asyncio.get_running_loop()
    apart = {name: Apart(name) for name in ("sender", *TAKINGS, "silence")}
    checks: dict[str, Check] = {name: partial(loops.problems.get, name) for name in _RELAY_LOOPS}
    checks |= {"schema": lambda: gate.problem, "broadcasts": apart["sender"].problem}
    checks |= {f"items of {name}": apart[name].problem for name in (*TAKINGS, "silence")}
    with Probes("relay", settings, checks, instance=lambda: gate.instance) as probes:
        if not await gate.passed(probes.beat):
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, loops.stop)
        database = await Database.open(
            settings.database_url, settings, size=_CONNECTIONS, minimum=0, whole_tables=False
        )
        async with open_queues(settings) as queues, open_bus(settings) as bus:
            sender = Sender(database, queues, settings, apart["sender"])
            taker = Taker(database, queues, settings, apart)
            mover = Relay(database, queues, bus, make_app(settings, _no_jobs), settings)
            await asyncio.gather(
                loops.run("relay", mover.turn),
                loops.run("reaper", Reaper(database, settings).turn),
                loops.run("measure", Measure(database, "relay").turn),
                loops.run("sealer", partial(_seal, Sealer(anchor(settings)), database)),
                loops.run("sender", sender.turn),
                loops.run("silence", Silence(database, settings, apart["silence"]).turn),
                loops.run("tidier", Tidier(database, settings).turn),
                loops.run("receipts", taker.receipts),
                loops.run("replies", taker.replies),
                loops.run("named", taker.named),
                loops.run("dead letters", DeadLetters(queues).turn),
                loops.run("leases", Leases(database, queues, settings).turn),
                loops.run("pulse", partial(_pulse, probes)),
            )
        await database.close()


async def _seal(sealer: Sealer, database: Database) -> float:
    async with database.connection() as connection:
        sealed = await sealer.seal_once(connection)
    return 0.0 if sealed == BATCH else _SEAL_SECONDS


async def _pulse(probes: Probes) -> float:
    probes.beat()
    return 1.0


def _say(words: str, *_: Any) -> None:
    """What Celery's signal handlers print becomes a log line, on a thread: they may interrupt another line."""
    threading.Thread(target=_log.info, args=(words,)).start()


def _leave_logging_alone(**_: Any) -> None:
    """Celery does not configure logging where this signal is connected; a line per message would be a flood."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _give_up_after(seconds: float) -> None:
    time.sleep(seconds)
    _log.warning("jobs were still running at the end of the drain; another worker does them again")
    os._exit(0)  # children die with their parent; what they held comes again


def _no_jobs(_: Job) -> NoReturn:
    raise NotImplementedError("this process sends jobs, it does none")
