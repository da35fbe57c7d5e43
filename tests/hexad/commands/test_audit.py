"""The chain is verified by a command."""

import pytest

from tests.hexad.running import Up

pytestmark = pytest.mark.xdist_group("up")


def test_a_sound_log_is_counted(system: Up) -> None:
    verified = system.run("audit", "verify")
    assert verified.returncode == 0
    assert "rows checked" in verified.stdout
