"""A measured value is ok, a warning or a failure by where it stands."""

import pytest

from hexad.checks.finding import fail, graded, ok, warn


@pytest.mark.parametrize(("value", "state"), [(0, "ok"), (9.9, "ok"), (10, "warn"), (99, "warn"), (100, "fail")])
def test_a_value_is_graded(value: float, state: str) -> None:
    assert graded("outbox", value, "late", "start the relay", warns=10, fails=100).state == state


def test_a_finding_knows_its_state() -> None:
    assert [ok("a", "b").state, warn("a", "b", "c").state, fail("a", "b", "c").state] == ["ok", "warn", "fail"]
