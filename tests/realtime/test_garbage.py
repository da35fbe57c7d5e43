"""What ended sockets leave behind is let go when nobody comes, and at the latest after a while."""

import gc
import itertools
import subprocess
import sys

import pytest

from realtime import garbage
from realtime.garbage import DUE, OVERDUE, QUIET_SECONDS, Garbage
from tests.realtime.conftest import ROOT

COMES, LATER = 100.0, 100.0 + QUIET_SECONDS


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The generations that were collected, in order."""
    found = list[int]()

    def collect(generation: int = 2) -> int:
        found.append(generation)
        return 0

    monkeypatch.setattr(gc, "collect", collect)
    return found


@pytest.mark.parametrize(
    ("waiting", "now", "collects"),
    [(DUE - 1, LATER, False), (DUE, LATER, True), (OVERDUE - 1, COMES, False), (OVERDUE, COMES, True)],
)
def test_it_waits_for_a_quiet_moment_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, collected: list[int], waiting: int, now: float, *, collects: bool
) -> None:
    one = Garbage(lambda: COMES)
    looks = garbage.looks() + waiting
    monkeypatch.setattr(garbage, "looks", lambda: looks)
    one.look(now)
    assert collected == [1] * collects


def test_all_objects_are_looked_through_now_and_then(monkeypatch: pytest.MonkeyPatch, collected: list[int]) -> None:
    steps = itertools.count(step=DUE)
    monkeypatch.setattr(garbage, "looks", lambda: next(steps))
    one = Garbage(lambda: 0.0)
    for _ in range(2 * garbage.WHOLE):
        one.look(LATER)
    assert collected == [*[1] * (garbage.WHOLE - 1), 2] * 2


_LEFT_TO_US = """
import gc
import subprocess
import sys
from realtime.garbage import DUE, OVERDUE, WHOLE, Garbage, left_to_us, looks

class Ring:
    left = 0
    def __init__(self):
        self.own = self
        Ring.left += 1
    def __del__(self):
        Ring.left -= 1

left_to_us()
assert gc.isenabled()
garbage, begun = Garbage(lambda: 0.0), looks()
old = [Ring() for _ in range(100)]
gc.collect(0), gc.collect(1)
old.clear()
kept = []
for _ in range(OVERDUE):
    kept.append([[] for _ in range(50_001)])
assert looks() - begun >= OVERDUE - 5, "Python looks through young ones alone, and counts it"
assert Ring.left == 100
for times in range(WHOLE):
    garbage.look(1000.0)
    kept += [[[] for _ in range(50_001)] for _ in range(DUE + 5)]
assert Ring.left == 0, "what was old is let go, too"
"""


def test_a_process_that_leaves_it_to_us_lets_go_of_what_was_old() -> None:
    ended = subprocess.run([sys.executable, "-c", _LEFT_TO_US], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
