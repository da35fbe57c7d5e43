"""Invariant 11 for deliveries: killed at any moment, or given damaged files, a load is all or nothing, then exact."""

import asyncio
import datetime
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from hexad.demo.brokerage import made_up
from hexad.demo.write import write
from kernel.settings import Settings
from tests.conftest import child_environment
from tests.workers.collection.maker import counts, rows

_DAY = "2026-11-20"
_KILLS = 6
_LOADER = (
    "select pid from pg_stat_activity"
    " where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
)


def command(settings: Settings, folder: Path) -> "subprocess.Popen[str]":
    """`hexad ingest` as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "hexad.main", "ingest", str(folder)],
        env=child_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """One day of a brokerage of some ten thousand rows."""
    list(write(made_up(8_000, 1, 3, datetime.date(2026, 11, 20)), tmp_path / "demo", "csv.gz"))
    return tmp_path / "demo"


async def connected(settings: Settings) -> int:
    """Waits until a loader has its connection; gives the process of PostgreSQL that serves it."""
    until = time.monotonic() + 90
    while not (found := await rows(settings, _LOADER)):
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    return int(found[0][0])


async def nobody_loads(settings: Settings) -> None:
    """Waits until the database has noticed that a killed loader is gone."""
    connection = await asyncpg.connect(settings.database_url)
    await connection.execute("select pg_advisory_lock(1229866067)")
    await connection.close()


@pytest.mark.timeout(600)
async def test_a_killed_load_leaves_all_or_nothing_and_runs_again(own_settings: Settings, demo: Path) -> None:
    seen: list[Sequence[int]] = []
    for number in range(_KILLS):
        process = command(own_settings, demo)
        await asyncio.sleep(random.Random(number).uniform(0.5, 6.0))
        process.kill()
        process.communicate()
        await nobody_loads(own_settings)
        found = await counts(own_settings)
        seen.append(list(found.values()))
        assert len({value > 0 for value in found.values()}) == 1, found
    process = command(own_settings, demo)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    found = await counts(own_settings)
    assert (found["customer"], found["delivery"]) == (8000, 8)
    assert await rows(own_settings, "select count(distinct customer_no) from customer") == [(8000,)]
    assert list(own_settings.var.glob("collection/*")) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [0.0, 0.4])
async def test_a_lost_connection_leaves_nothing_and_is_one_sentence(
    own_settings: Settings, demo: Path, after: float
) -> None:
    """While files are read, and while they are merged."""
    process = command(own_settings, demo)
    loader = await connected(own_settings)
    await asyncio.sleep(after)
    await rows(own_settings, "select pg_terminate_backend($1)", loader)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "the connection to PostgreSQL was lost: nothing of this day is loaded" in said
    assert "Traceback" not in said
    await nobody_loads(own_settings)
    assert set((await counts(own_settings)).values()) == {0}
    assert list(own_settings.var.glob("collection/*")) == []


@pytest.mark.timeout(600)
async def test_a_load_that_is_interrupted_leaves_nothing(own_settings: Settings, demo: Path) -> None:
    process = command(own_settings, demo)
    await connected(own_settings)
    await asyncio.sleep(0.4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "interrupted: nothing of the day under way is loaded; run it again" in said
    assert "Traceback" not in said
    assert set((await counts(own_settings)).values()) == {0}
    assert list(own_settings.var.glob("collection/*")) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "doubled", "empty"])
async def test_a_damaged_file_is_refused_and_the_whole_one_taken(
    own_settings: Settings, demo: Path, damage: str
) -> None:
    file = demo / _DAY / "counter" / "account.csv.gz"
    whole = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(whole[: len(whole) // 2])
        case "flipped":
            file.write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
        case "gone":
            file.unlink()
        case "doubled":
            file.write_bytes(whole + whole)
        case "empty":
            file.write_bytes(b"")
    process = command(own_settings, demo)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "account.csv.gz: it" in said
    assert "Traceback" not in said
    assert set((await counts(own_settings)).values()) == {0}
    file.write_bytes(whole)
    began = time.monotonic()
    process = command(own_settings, demo)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert (await counts(own_settings))["customer"] == 8000, time.monotonic() - began
