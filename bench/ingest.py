"""How fast deliveries are loaded, with real commands on a database of their own, beside a floor from the same run.

The floor is plain COPY of the same rows into tables without an index.
"""

import asyncio
import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import click
import msgspec
import psutil
import pyarrow.parquet as pq

from hexad import keys
from hexad.embedded import Postgres

Say = Callable[[str], None]
_FLOOR = ("customer", "account", "relation")


class Load(msgspec.Struct, frozen=True):
    """One `hexad ingest`: its wall seconds, the processor seconds and the largest memory (MiB) of our processes."""

    what: str
    seconds: float
    processor_seconds: float
    memory_mib: float
    asked_seconds: float


class Report(msgspec.Struct, frozen=True):
    """The loads in order, the seconds of the floor, and what else ran (load of the machine before and after)."""

    customers: int
    processors: int
    loads: list[Load]
    floor_seconds: float
    machine_load: tuple[float, float]


def run(customers: int, say: Say, folder: Path | None = None) -> Report:
    """Makes a brokerage of two days, loads the first into nothing, again, then the second with its changes."""
    with contextlib.ExitStack() as until:
        var = folder or Path(until.enter_context(tempfile.TemporaryDirectory(prefix="hexad-")))
        keys.make(var)
        server, out, before = Postgres(var / "postgres"), var / "deliveries", os.getloadavg()[0]
        until.callback(server.stop, "immediate")
        server.start()
        _hexad(var, "migrate")
        made = _hexad(var, "demo", "--customers", str(customers), "--days", "2", "--out", str(out))
        say(f"two days made in {made[0]:.1f} s")
        first, second = sorted(one for one in out.iterdir() if one.is_dir())
        plan = (("into nothing", first, 240.0), ("the same again", first, 60.0), ("the next day", second, 90.0))
        loads = [_load(var, *one, say) for one in plan]
        floor = asyncio.run(_floor(server, first / "counter", var))
        return Report(customers, os.cpu_count() or 1, loads, floor, (before, os.getloadavg()[0]))


def _load(var: Path, what: str, day: Path, asked: float, say: Say) -> Load:
    seconds, processor, memory = _hexad(var, "ingest", str(day))
    say(f"{what}: {seconds:.1f} s (asked: {asked:g} s), {processor:.1f} s of processors, {memory:.0f} MiB")
    return Load(what, seconds, processor, memory, asked)


def _hexad(var: Path, *args: str) -> tuple[float, float, float]:
    """Runs a command; gives its wall seconds, processor seconds and largest memory with its children, in MiB."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEXAD_")}
    began, before = time.monotonic(), os.times()
    process = subprocess.Popen([sys.executable, "-m", "hexad.main", *args], env={**inherited, "HEXAD_VAR": str(var)})
    watch = _Memory(process.pid)
    watch.start()
    code = process.wait()
    seconds, after = time.monotonic() - began, os.times()
    watch.join()
    if code:
        raise click.ClickException(f"hexad {args[0]} ended with {code}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, watch.largest


class _Memory(threading.Thread):
    """Watches the memory of a process and its children: what is theirs alone, not the pages that they share."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self.largest = pid, 0.0

    def run(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._pid)
            while root.status() != psutil.STATUS_ZOMBIE:
                self.largest = max(self.largest, sum(map(_own, [root, *root.children(recursive=True)])))
                time.sleep(0.2)


def _own(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        if process.name() != "postgres":
            return float(process.memory_full_info().uss) / (1 << 20)
    return 0.0


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


def main() -> None:
    """Prints the report as JSON; the number of customers is the only argument."""
    report = run(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000, lambda line: print(line, file=sys.stderr))
    print(msgspec.json.format(msgspec.json.encode(report)).decode())


if __name__ == "__main__":
    main()
