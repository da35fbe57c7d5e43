"""A handler that misbehaves as its event says; run as a module, it starts one of our processes with it.

python -m tests.workers.odd work|relay|beat
"""

import asyncio
import ctypes
import datetime
import os
import signal
import sys
import time

from kernel.events.outbox import Record, record
from kernel.settings import current
from kernel.store.database import Tx
from mobile_contracts.event import JobTriedAgain
from workers.runtime.registry import handles


@handles(JobTriedAgain, name="misbehave")
async def misbehave(tx: Tx, event: JobTriedAgain) -> None:
    """Counts the probe of the event up, then does what `event.handler` says."""
    await tx.execute("update probe set handled = handled + 1, handled_at = now() where id = $1", event.event_id)
    match event.handler.split(" "):
        case ["raise"]:
            raise RuntimeError("this job never works: 13812345678")
        case ["surrogate"]:
            raise RuntimeError("no such file: \udcff\0.csv")
        case ["audit"]:
            await record(tx, Record(action="misbehave", noun="probe", noun_id=str(event.event_id)))
        case ["exit"]:
            os._exit(3)
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["segfault"]:
            ctypes.string_at(0)
        case ["sleep", seconds]:
            await asyncio.sleep(float(seconds))
        case ["block", seconds]:
            time.sleep(float(seconds))


if __name__ == "__main__":
    from workers import run
    from workers.runtime import probe, schedule

    schedule.SCHEDULES = (schedule.Schedule("tick", datetime.timedelta(seconds=1), probe.prepare),)
    {"work": run.work, "relay": run.relay, "beat": run.beat}[sys.argv[1]](current())
