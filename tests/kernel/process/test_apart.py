"""An item's error is its own: said when it is new, counted, shown, tried again later, forgotten when it is gone."""

from collections.abc import Sequence
from functools import partial

import pytest
from structlog.testing import capture_logs

from kernel.errors import Unavailable
from kernel.process import apart
from kernel.process.apart import Apart
from kernel.process.retry import Backoff
from kernel.telemetry import metrics


def broken(items: Apart, item: str, error: Exception) -> None:
    """One try of an item that fails."""
    with items.item(item):
        raise error


def test_an_error_of_an_item_ends_there_and_each_new_one_is_said() -> None:
    items = Apart("counted")
    with capture_logs() as lines:
        for error, said in ((ValueError("x"), 1), (ValueError("x"), 1), (ValueError("y"), 2), (KeyError("y"), 3)):
            broken(items, "one", error)
            assert len(lines) == said
        broken(items, "two", ValueError("x"))
        assert len(lines) == 4, "another item's first is new"
    problem = items.problem()
    assert problem is not None
    assert "one: KeyError: 'y'" in problem
    assert "two: ValueError: x" in problem
    assert b'hexad_loop_items_failing{loop="counted"} 2.0' in metrics.render()[0]
    assert b'hexad_loop_failures_total{loop="counted"} 5.0' in metrics.render()[0]


def test_what_fails_is_tried_again_after_a_pause_and_is_well_when_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "Backoff", partial(Backoff, shortest=600.0, longest=600.0))
    items = Apart("test")
    assert items.is_due("one")
    broken(items, "one", ValueError())
    assert not items.is_due("one")
    assert items.is_due("two"), "the pause is its own"
    with items.item("one"):
        pass
    assert items.is_due("one")
    assert items.problem() is None


def test_what_is_away_for_all_is_nobodys_own() -> None:
    items = Apart("test")
    with pytest.raises(Unavailable):
        broken(items, "one", Unavailable("the broker does not answer"))
    assert items.problem() is None


def test_an_item_that_is_gone_is_forgotten_and_so_are_the_first_of_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    items = Apart("test")
    for number in range(apart._AT_MOST + 5):
        items.failed(str(number), ValueError("13800138000"))
    problem = items.problem()
    assert problem is not None
    assert problem.endswith(f"{apart._AT_MOST - apart._NAMED} more")
    assert "13800138000" not in problem, "whoever may ask how we are may not read this"
    monkeypatch.setattr(apart, "_SHOWN", -1.0)
    items.forget()
    assert items.problem() is None
    assert b'hexad_loop_items_failing{loop="test"} 0.0' in metrics.render()[0]


async def test_what_is_wrong_is_found_by_halving_and_the_others_are_done() -> None:
    items, tries = Apart("test"), list[int]()

    async def work(part: Sequence[int]) -> int:
        tries.append(len(part))
        if 5 in part:
            raise ValueError("five")
        return sum(part)

    assert sum(await items.halved(range(8), work)) == sum(range(8)) - 5
    assert tries == [8, 4, 4, 2, 1, 1, 2]
    assert items.problem() == "5: ValueError: five"
    assert await items.halved([], work) == []


async def test_where_all_wait_for_a_service_nothing_is_halved() -> None:
    async def away(part: Sequence[int]) -> None:
        raise Unavailable

    with pytest.raises(Unavailable):
        await Apart("test").halved([1, 2], away)
