"""Processes are known by name, and say whether they live."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from hexad.health import problem
from tests.hexad.running import HEXAD, READY_SECONDS, Up, own_environment
from tests.hexad.test_main import run

pytestmark = pytest.mark.xdist_group("up")


def test_both_front_doors_are_offered() -> None:
    shown = run("serve", "--help").stdout
    assert shown.index("  api ") < shown.index("  realtime ")


def test_what_lives_is_told_by_name(system: Up) -> None:
    assert system.run("health", "api", "relay").returncode == 0
    assert system.run("health", "typist").returncode == 2


def test_one_started_by_hand_uses_the_embedded_database_of_its_folder(
    system: Up, free_port: Callable[[], int], tmp_path: Path
) -> None:
    port = str(free_port())
    elsewhere = {"PGHOST": "/nowhere", "PGPORT": "1"}  # what the driver would take when nobody names a database
    started = Up(system.environment | elsewhere | {"HEXAD_API_PORT": port}, tmp_path / "said", (HEXAD, "serve", "api"))
    try:
        started.wait(lambda: problem(f"127.0.0.1:{port}") == "", READY_SECONDS)
    finally:
        assert started.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    "command",
    ["serve api", "serve realtime", "work", "relay", "beat", "mail", "audit verify", "demo-people", "simulate sms",
     "token --audience staff --subject 1", "administrator 1"],
)  # fmt: skip
def test_none_takes_another_database_where_the_embedded_one_does_not_run(tmp_path: Path, command: str) -> None:
    alone = Up(own_environment(tmp_path / "var"), tmp_path / "said", (HEXAD, *command.split()))
    assert alone.process.wait(60) == 1
    assert alone.said.strip() == (
        f"hexad: no PostgreSQL runs in {tmp_path / 'var'}: start it with `hexad up`, or name the database in"
        " HEXAD_DATABASE_URL"
    )
