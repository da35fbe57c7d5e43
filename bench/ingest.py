"""`hexad bench ingest`: how fast deliveries are loaded by the real command, beside a floor from the same run.

The floor is plain COPY of the same rows into tables without an index. While a load runs, a reader reads.
"""

import asyncio
import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pyarrow.parquet as pq
from msgspec import Struct

from bench.figures import Asked, Machine, below, machine
from bench.reader import Reader, Reads
from bench.watch import Taken, Watch
from hexad import keys
from hexad.embedded import Postgres
from kernel.errors import Misconfigured, Unavailable

Say = Callable[[str], None]
_FLOOR = ("customer", "account", "relation")
_SECONDS = {"into nothing": 240.0, "the same again": 60.0, "the next day": 90.0}
_MEMORY_MIB, _READ_MS = 2048, 1000


class Load(Struct, frozen=True):
    """One `hexad ingest`: its wall seconds, what our processes and PostgreSQL took, and what a reader saw meanwhile."""

    what: str
    seconds: float
    ours: Taken
    postgresql: Taken
    reads: Reads

    def line(self) -> str:
        """For a terminal."""
        ours, theirs, reads = self.ours, self.postgresql, self.reads
        return (
            f"{self.what:16}{self.seconds:7.1f} s  ours {ours.processor_seconds:6.1f} s {ours.memory_mib:6,.0f} MiB"
            f"  PostgreSQL {theirs.processor_seconds:6.1f} s {theirs.memory_mib:6,.0f} MiB"
            f"  longest of {reads.count} reads {reads.longest_ms:.0f} ms"
        )

    def asked(self) -> list[Asked]:
        """Beside what is asked of it."""
        return [
            below(f"{self.what}: seconds", _SECONDS[self.what], [self.seconds]),
            below(f"{self.what}: MiB of our processes", _MEMORY_MIB, [self.ours.memory_mib]),
            below(f"{self.what}: ms of the longest read", _READ_MS, [self.reads.longest_ms]),
            below(f"{self.what}: reads that failed", 1, [self.reads.failures]),
        ]


class Report(Struct, frozen=True):
    """The loads in order, the seconds of the floor, and what else ran (load of the machine before and after)."""

    machine: Machine
    customers: int
    loads: list[Load]
    floor_seconds: float
    machine_load: tuple[float, float]
    asked: list[Asked]

    def lines(self) -> list[str]:
        """For a terminal: every figure, then what is asked of them."""
        floor = f"{'floor':16}{self.floor_seconds:7.1f} s  COPY of {', '.join(_FLOOR)} alone"
        return [*[one.line() for one in self.loads], floor, "", *[one.line() for one in self.asked]]


def run(customers: int, folder: Path | None, say: Say) -> Report:
    """Makes a brokerage of two days, loads the first into nothing, again, then the second with its changes.

    In a folder that is kept, or in one that is gone afterwards; raises `Misconfigured` when it holds a database.
    """
    with contextlib.ExitStack() as until:
        var = (folder or Path(until.enter_context(tempfile.TemporaryDirectory(prefix="hexad-bench-")))).resolve()
        server, out, before = Postgres(var / "postgres"), var / "deliveries", os.getloadavg()[0]
        if server.data.exists():
            raise Misconfigured(f"there is a database in {var} already: name an empty folder")
        keys.make(var)
        until.callback(server.stop)
        server.start()
        _end(_hexad(var, "migrate"))
        began = time.monotonic()
        _end(_hexad(var, "demo", "--customers", str(customers), "--days", "2", "--out", str(out)))
        say(f"two days made in {time.monotonic() - began:.1f} s")
        first, second = sorted(one for one in out.iterdir() if one.is_dir())
        loads = [_load(server, var, what, day, say) for what, day in zip(_SECONDS, (first, first, second), strict=True)]
        floor = asyncio.run(_floor(server, first / "counter", var))
        asked = [one for load in loads for one in load.asked()]
        on = machine(server.psql("-c", "show server_version"))
        return Report(on, customers, loads, floor, (before, os.getloadavg()[0]), asked)


def _load(server: Postgres, var: Path, what: str, day: Path, say: Say) -> Load:
    customer_no = str(next(pq.ParquetFile(day / "counter" / "customer.parquet").iter_batches(1))["customer_no"][0])
    reader, began, before = Reader(server.url("hexad_app"), customer_no), time.monotonic(), os.times()
    reader.start()
    process = _hexad(var, "ingest", str(day))
    watch = Watch(process.pid, server.data)
    watch.start()
    _end(process)
    seconds, after, reads = time.monotonic() - began, os.times(), reader.stop()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    load = Load(what, seconds, *watch.taken(used), reads)
    say(load.line())
    return load


def _hexad(var: Path, *args: str) -> subprocess.Popen[bytes]:
    """A command on that folder alone; what it reports is not ours to report, what it complains of is."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEXAD_")}
    command, environment = [sys.executable, "-m", "hexad.main", *args], {**inherited, "HEXAD_VAR": str(var)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> None:
    if code := process.wait():
        raise Unavailable(f"{process.args!r} ended with {code}")


async def _floor(server: Postgres, folder: Path, var: Path) -> float:
    """Seconds of COPY alone, from files that are ready, into tables without an index."""
    connection = await asyncpg.connect(server.url("hexad_owner"))
    seconds = 0.0
    try:
        for feed in _FLOOR:
            path = var / f"{feed}.floor.csv"
            with path.open("w") as file:
                writer, source = csv.writer(file), pq.ParquetFile(folder / f"{feed}.parquet")
                for batch in source.iter_batches():
                    writer.writerows(zip(*[column.to_pylist() for column in batch.columns], strict=True))
            names = pq.ParquetFile(folder / f"{feed}.parquet").schema_arrow.names
            async with connection.transaction():
                await connection.execute(f"create table floor_{feed} ({', '.join(f'{name} text' for name in names)})")
                began = time.monotonic()
                await connection.copy_to_table(f"floor_{feed}", source=path, format="csv", timeout=600)
                seconds += time.monotonic() - began
            path.unlink()
    finally:
        await connection.close()
    return seconds
