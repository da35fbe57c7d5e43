"""Medians of rounds, ratios round by round, and whether they are what is asked."""

from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Machine, Report, Run, apart, at_least, below, figure, none_failed, percentile, ratio


def run(rate: float, failures: int = 0, p99: float = 2.0) -> Run:
    """One second of that rate."""
    return Run(int(rate), failures, 1.0, 1.0, p99, 3.0, 0.1)


@given(st.lists(st.floats(0, 1000), min_size=1).map(sorted), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_with_that_share_below(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(one < found for one in values) <= share * len(values)


def test_nothing_measured_is_nothing() -> None:
    assert percentile([], 0.99) == 0.0
    assert Run(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0).rate == 0.0


def test_a_figure_is_the_median_with_its_spread() -> None:
    made = figure("list", "ours", [run(100), run(300), run(200, failures=2)])
    assert (made.requests_per_second, made.lowest, made.highest, made.failures) == (200, 100, 300, 2)
    assert not none_failed([made]).reached
    assert none_failed([figure("list", "ours", [run(1)])]).reached


def test_ratios_are_taken_round_by_round() -> None:
    made = ratio("list", 0.5, [run(100), run(30), run(60)], [run(200), run(50), run(100)])
    assert (made.figure, made.lowest, made.highest, made.reached) == (0.6, 0.5, 0.6, True)
    assert not ratio("list", 0.5, [run(1)], [run(3)]).reached


def test_a_bound_is_reached_or_not() -> None:
    assert at_least("x", 2, [2.0]).reached
    assert not below("x", 50, [50.0]).reached
    machine = Machine("Linux", "x86_64", 2, 24, "3.11", "18")
    lines = Report(machine, {}, [figure("list", "ours", [run(5)])], [below("p99", 50, [60.0])]).lines()
    assert lines[-1] == "SHORT    p99: 60 (60 to 60), asked < 50"
    assert lines[0].startswith("list")


def test_groups_are_as_far_apart_as_their_medians() -> None:
    made = apart("list", 1.2, [[100, 110, 60], [100, 90, 95]])
    assert (made.figure, made.lowest, made.highest, made.reached) == (1.053, 1.0, 1.583, True)
    assert not apart("list", 1.2, [[100, 100, 60], [80, 80, 60]]).reached
