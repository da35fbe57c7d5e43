"""The operator gets in."""

from pathlib import Path

import pytest

from tests.hexad.running import Up
from tests.hexad.test_main import run

pytestmark = pytest.mark.xdist_group("up")


def test_a_token_is_all_that_stands_on_stdout(system: Up) -> None:
    made = system.run("token", "--audience", "staff", "--subject", "10086", "--role", "administrator")
    assert made.stdout.count(".") == 2
    assert made.stdout.count("\n") == 1
    assert "10 minutes" in made.stderr


def test_the_embedded_database_that_does_not_run_is_told_with_the_way_out(tmp_path: Path) -> None:
    refused = run("administrator", "9001", HEXAD_VAR=str(tmp_path))
    assert refused.returncode == 1
    assert "start it with `hexad up`" in refused.stderr
    assert (tmp_path / "keys.env").is_file()
