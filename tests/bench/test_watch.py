"""Processor seconds and memory are those of the process and of the cluster."""

import subprocess
import sys

import asyncpg

from bench.watch import Watch
from hexad.embedded import Postgres


async def test_both_are_seen(postgres: Postgres) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; held = bytearray(60 << 20); time.sleep(1)"])
    watch = Watch(process.pid, postgres.data, every=0.2)
    watch.start()
    connection = await asyncpg.connect(postgres.url("postgres", "postgres"))
    await connection.execute("select count(*) from generate_series(1, 3000000)")
    await connection.close()
    process.wait()
    ours, theirs = watch.taken(1.5)
    assert ours.processor_seconds == 1.5
    assert 60 < ours.memory_mib < 200
    assert theirs.processor_seconds > 0.05
    assert theirs.memory_mib > 5
