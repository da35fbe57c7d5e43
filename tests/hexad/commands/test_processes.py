"""Processes are known by name, and say whether they live."""

import pytest

from tests.hexad.running import Up
from tests.hexad.test_main import run

pytestmark = pytest.mark.xdist_group("up")


def test_both_front_doors_are_offered() -> None:
    shown = run("serve", "--help").stdout
    assert shown.index("  api ") < shown.index("  realtime ")


def test_what_lives_is_told_by_name(system: Up) -> None:
    assert system.run("health", "api", "relay").returncode == 0
    assert system.run("health", "typist").returncode == 2
