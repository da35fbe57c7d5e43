"""Deliveries are made up and loaded by commands."""

from pathlib import Path

import pytest

from tests.hexad.running import Up
from tests.hexad.test_main import run

pytestmark = pytest.mark.xdist_group("up")


def test_made_up_deliveries_are_named_one_by_one(tmp_path: Path) -> None:
    made = run("demo", "--customers", "50", "--days", "2", "--out", str(tmp_path))
    folders = [Path(line) for line in made.stdout.splitlines()]
    assert {one.parent.name for one in folders} == {"2026-11-19", "2026-11-20"}
    assert all(one.is_dir() for one in folders)


def test_a_folder_without_deliveries_is_one_sentence(system: Up, tmp_path: Path) -> None:
    refused = system.run("ingest", str(tmp_path / "nothing"))
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
