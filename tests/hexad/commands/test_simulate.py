"""What the simulators took is there to read."""

import pytest

from tests.hexad.running import Up

pytestmark = pytest.mark.xdist_group("up")


def test_the_inbox_shows_what_was_sent(system: Up) -> None:
    assert system.run("simulate", "inbox").returncode == 0
