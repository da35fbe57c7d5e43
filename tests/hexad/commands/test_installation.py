"""What is wrong is told, and a system that runs is not disturbed by looking at it."""

import subprocess

import pytest

from tests.hexad.running import HEXAD, Up
from tests.hexad.test_main import run

pytestmark = pytest.mark.xdist_group("up")


def test_migrate_says_which_setting_it_needs() -> None:
    elsewhere = {"HEXAD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "HEXAD_TOKEN_KEY": "A" * 43 + "="}
    refused = run("migrate", **elsewhere)
    assert refused.returncode == 1
    assert "HEXAD_OWNER_URL" in refused.stderr


def test_migrate_beside_a_running_system_leaves_it_running(system: Up) -> None:
    assert system.run("migrate").stdout.endswith("the database is up to date\n")
    assert system.run("health").returncode == 0


def test_a_reader_that_goes_away_is_no_error(system: Up) -> None:
    piped = subprocess.run(
        ["/bin/sh", "-c", f"{HEXAD} doctor | head -n 1"],
        env=system.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert piped.stdout.startswith("HEXAD_VAR")
    assert piped.stderr == ""


def test_a_restore_that_postgresql_did_not_notice_is_said(system: Up) -> None:
    assert system.run("restored").returncode == 2
    said = system.run("restored", "--reason", "a copy of the folder was put back")
    assert (said.returncode, "phones begin afresh" in said.stdout) == (0, True)
