"""A process that is started before `hexad migrate` waits for it quietly, says why, and goes on by itself."""

import asyncio
import json
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.schema.migrate import migrate
from kernel.settings import Settings
from tests.faults.stand import Stand
from tests.faults.test_away import all_ready

PROCESSES = {"work": "worker", "relay": "relay", "beat": "beat"}
SAID = "the schema is not there yet: run `hexad migrate`"


@pytest.fixture
def unmigrated(postgres: Postgres, settings: Settings, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Stand]:
    """A stand whose database is empty."""
    name = f"empty_{secrets.token_hex(4)}"
    postgres.psql("-c", f"create database {name} owner hexad_owner")
    own = msgspec.structs.replace(
        settings,
        var=tmp_path,
        database_url=postgres.url("hexad_app", name),
        owner_url=postgres.url("hexad_owner", name),
        **{f"{process}_port": free_port() for process in PROCESSES.values()},
    )
    with Stand(postgres, own, tmp_path, free_port) as made:
        yield made
    postgres.psql("-c", f"drop database {name} with (force)")


async def all_wait(stand: Stand) -> bool:
    return all([await stand.says(process, "/health/ready", SAID) for process in PROCESSES.values()])


@pytest.mark.timeout(120)
async def test_it_waits_for_the_schema_says_so_once_and_goes_on(unmigrated: Stand) -> None:
    stand = unmigrated
    stand.start(*PROCESSES)
    await stand.until(60, "all wait", lambda: all_wait(stand))
    await asyncio.sleep(3)
    for command, process in PROCESSES.items():
        assert (await stand.asks(process, "/health/live"))[0] == 200
        assert (await stand.asks(process, "/health/ready"))[0] == 503
        assert [json.loads(line)["event"] for line in stand.processes[command].log.splitlines()].count(SAID) == 1
    await migrate(stand.settings.owner_url, stand.settings)
    await stand.until(60, "all are ready", lambda: all_ready(stand))
    await stand.emit(5)
    await stand.until(60, "events flow", stand.settled)
    assert "Traceback" not in "".join(one.log for one in stand.processes.values())


@pytest.mark.timeout(120)
async def test_it_stops_as_asked_while_it_waits(unmigrated: Stand) -> None:
    unmigrated.start(*PROCESSES)
    await unmigrated.until(60, "all wait", lambda: all_wait(unmigrated))
    stopped = [asyncio.to_thread(one.stop, signal.SIGTERM) for one in unmigrated.processes.values()]
    assert await asyncio.gather(*stopped) == [0, 0, 0]
