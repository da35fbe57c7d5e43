"""What the simulators took is there to read."""

import pytest

from tests.hexad.running import Up

pytestmark = pytest.mark.xdist_group("up")


def test_a_reply_is_taken_by_the_running_system(system: Up) -> None:
    assert system.run("simulate", "reply", "--from", "+8613800000000", "--text", "hello").returncode == 0
    refused = system.run("simulate", "reply", "--from", "nobody", "--text", "T")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_the_inbox_shows_what_was_sent(system: Up) -> None:
    assert system.run("simulate", "inbox").returncode == 0
