"""A bucket lets through its burst at once and its rate for ever, whatever the rhythm of the requests."""

from hypothesis import given
from hypothesis import strategies as st

from api.edge.limits import Buckets


@given(st.floats(0.5, 100), st.floats(1, 50), st.lists(st.floats(0, 2, allow_nan=False), min_size=1, max_size=200))
def test_never_more_than_burst_and_rate(rate: float, burst: float, pauses: list[float]) -> None:
    buckets, now, taken = Buckets(rate, burst), 1000.0, 0
    for pause in pauses:
        now += pause
        allowed, allowance = buckets.take("somebody", now)
        taken += allowed
        assert 0 <= allowance.remaining <= allowance.limit
        assert allowed or allowance.wait > 0
    assert taken <= burst + rate * (now - 1000.0) + 1e-6


def test_after_the_wait_there_is_one_more() -> None:
    buckets = Buckets(2.0, 1.0)
    assert buckets.take("a", 0.0)[0]
    refused, allowance = buckets.take("a", 0.1)
    assert not refused
    assert buckets.take("a", 0.1 + allowance.wait + 1e-9)[0]


def test_memory_is_bounded_and_the_idle_go_first() -> None:
    buckets = Buckets(0.001, 1.0, at_most=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0.0)
    assert not buckets.take("a", 0.0)[0]
    assert buckets.take("b", 0.0)[0]
