"""Waiting grows from failure to failure within its bounds, and ends with success."""

import pytest

from kernel.errors import Unavailable
from kernel.process.retry import Backoff


def test_each_pause_is_about_twice_the_last_up_to_the_longest() -> None:
    backoff, pauses = Backoff("RabbitMQ", shortest=1.0, longest=5.0), []
    assert backoff.pause == 0
    for _ in range(6):
        backoff.failed()
        pauses.append(backoff.pause)
    assert all(0.75 * full <= pause <= full for pause, full in zip(pauses, (1, 2, 4, 5, 5, 5), strict=True))


def test_only_the_first_failure_of_a_row_and_its_end_are_worth_a_line() -> None:
    backoff = Backoff("RabbitMQ")
    assert [backoff.failed(), backoff.failed(), backoff.worked(), backoff.worked(), backoff.failed()] == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_while_the_pause_lasts_nobody_is_asked() -> None:
    backoff = Backoff("RabbitMQ", shortest=60.0, longest=60.0)
    backoff.check()
    backoff.failed()
    with pytest.raises(Unavailable, match="RabbitMQ"):
        backoff.check()
    backoff.worked()
    backoff.check()
