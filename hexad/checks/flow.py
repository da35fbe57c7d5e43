"""The flow of events: health ports, queues, and a probe that goes all the way."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uuid_utils.compat as uuid

from hexad import ports
from hexad.checks.finding import Finding, fail, ok, warn
from hexad.health import PROCESSES, SILENT, STRANGE, asked
from hexad.supervisor import commands
from kernel.bus.choice import open_bus
from kernel.errors import HexadError
from kernel.process.ports import by
from kernel.queues import QUEUES
from kernel.queues.broker import open_queues
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load
from mobile_contracts.event import Event, Probed
from workers.runtime import probe

BUS_SECONDS = 5.0
PROBE_SECONDS = 10.0
_sql = load(Path(__file__).with_name("flow.sql"))


async def examine_processes(settings: Settings, ours: str, *, all_here: bool) -> AsyncIterator[Finding]:
    """Asks each process how it is, and whether it is one of `ours`, the instance of our database (empty: not known).

    One that does not answer is a warning where it may run on another host.
    """
    answers = await asyncio.gather(
        *(asyncio.to_thread(asked, ports.address(settings, port)) for port in PROCESSES.values())
    )
    for name, (why, theirs) in zip(PROCESSES, answers, strict=True):
        if why.startswith(STRANGE) or (theirs and theirs != ours):
            yield _of_others(settings, name, why, theirs, ours, all_here=all_here)
        elif not why and not theirs:
            says = f"ready at {ports.address(settings, PROCESSES[name])}, but it does not say of which database it is"
            yield warn(name, says, "is it of an older version, start it again; else stop it, it is none of ours")
        elif not why:
            yield ok(name, f"ready at {ports.address(settings, PROCESSES[name])}")
        elif all_here:
            yield fail(name, why, "`hexad up` starts everything here; the log of the process says more")
        elif not why.startswith(SILENT):
            yield fail(name, why, f"the log of the process says more; `{commands()[name]}` starts it")
        else:
            port = f"HEXAD_{PROCESSES[name].upper()}"
            yield warn(
                name, why, f"well if it runs on another host; else `{commands()[name]}` starts it, or set {port}"
            )


def _of_others(settings: Settings, name: str, why: str, theirs: str, ours: str, *, all_here: bool) -> Finding:
    """What answers in the place of a process of ours, and how to have the place."""
    port = PROCESSES[name]
    at = f"{ports.address(settings, port)}{by(getattr(settings, port))}"
    mend = f"stop that; {ports.moved(port)}"
    if why:
        return fail(name, f"{why}{by(getattr(settings, port))}", mend)
    if ours:
        return fail(name, f"a Hexad of another database ({theirs}, ours is {ours}) answers at {at}", mend)
    says = f"a Hexad answers at {at}; whether it is ours is not known while our database does not answer"
    return fail(name, says, mend) if all_here else warn(name, says, "look again when the database answers")


async def examine_broker(settings: Settings) -> Finding:
    """Whether the broker answers and has every queue, and whether messages lie among the dead."""
    name = "RabbitMQ" if settings.broker_url else "PGMQ"
    try:
        async with open_queues(settings) as queues:
            sizes = {queue.name: await queues.size(queue) for queue in QUEUES}
    except HexadError as error:
        rabbit = "start RabbitMQ, or correct HEXAD_BROKER_URL"
        mend = rabbit if settings.broker_url else "mend what the lines of the database and its schema say"
        return fail("broker", f"{name}: {error.detail}", mend)
    dead = {name: size for name, size in sizes.items() if size and name.endswith(".dead")}
    waiting = sum(size for name, size in sizes.items() if name not in dead)
    says = f"{name} has all {len(sizes)} queues, {waiting} messages wait"
    if dead:
        lying = ", ".join(f"{size} in {queue}" for queue, size in dead.items())
        return warn("broker", f"{says}, {lying}", "their header x-hexad-reason says why they were refused")
    return ok("broker", says)


async def examine_bus(settings: Settings) -> Finding:
    """Whether what is told on the bus is heard."""
    name = "Valkey" if settings.bus_url else "PostgreSQL"
    event, heard, ready = Probed(probe_id=uuid.uuid7()), asyncio.Event(), asyncio.Event()

    def hear(told: Event | None) -> None:
        if told is None:
            ready.set()
        elif told == event:
            heard.set()

    async with open_bus(settings) as bus:
        listening = asyncio.create_task(bus.listen(hear))
        try:
            async with asyncio.timeout(BUS_SECONDS):
                await ready.wait()
                began = time.monotonic()
                await bus.tell([event])
                await heard.wait()
        except TimeoutError:
            mend = (
                "start Valkey, or correct HEXAD_BUS_URL" if settings.bus_url else "mend what the database's line says"
            )
            return fail("bus", f"{name}: what is told is not heard within {BUS_SECONDS:.0f} s", mend)
        finally:
            listening.cancel()
    return ok("bus", f"{name} carries an event in {(time.monotonic() - began) * 1000:.0f} ms")


async def examine_pipeline(database: Database) -> Finding:
    """Sends a probe through outbox, relay, broker and worker, and waits for it in bounds."""
    async with database.transaction() as tx:
        await apply_system(tx, "doctor")
        probe_id = await probe.start(tx)
    until = time.monotonic() + PROBE_SECONDS
    while time.monotonic() < until:
        async with database.transaction() as tx:
            row = await _sql.probe(tx, id=probe_id)
        if row["handled"]:
            return ok("pipeline", f"outbox, relay, broker, worker and back in {row['seconds'] * 1000:.0f} ms")
        await asyncio.sleep(0.05)
    return fail(
        "pipeline",
        f"a probe did not come back in {PROBE_SECONDS:.0f} s",
        "look at the lines above, then at the logs of relay and worker",
    )
