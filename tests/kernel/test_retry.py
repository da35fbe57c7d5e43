"""Pauses double up to a bound, are never all the same, and end with the first success."""

import pytest

from kernel.errors import Unavailable
from kernel.retry import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff("broker", shortest=1.0, longest=5.0)
    assert backoff.pause == 0.0
    for full in (1.0, 2.0, 4.0, 5.0, 5.0):
        backoff.failed()
        assert 0.75 * full <= backoff.pause <= full
    for _ in range(10_000):
        backoff.failed()
    assert backoff.pause <= 5.0


def test_pauses_are_spread() -> None:
    backoff = Backoff("broker")
    backoff.failed()
    assert len({backoff.pause for _ in range(20)}) > 10


def test_only_the_first_failure_of_a_row_is_worth_a_line() -> None:
    backoff = Backoff("broker")
    assert [backoff.failed(), backoff.failed(), backoff.worked(), backoff.worked(), backoff.failed()] == [
        True, False, True, False, True]  # fmt: skip


def test_during_a_pause_nobody_asks() -> None:
    backoff = Backoff("broker", shortest=60.0, longest=60.0)
    backoff.check()
    backoff.failed()
    with pytest.raises(Unavailable, match="broker"):
        backoff.check()
    backoff.worked()
    backoff.check()
