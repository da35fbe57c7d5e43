"""Random numbers depend on seed, stream and index alone."""

import numpy as np

from hexad.demo.mix import Mix, spread

_KNOWN = [3880854644810948785, 13673439991539184174]


def test_a_number_is_the_same_in_any_company() -> None:
    index = np.arange(1000, dtype=np.uint64)
    whole, part = Mix(1).bits("a", index), Mix(1).bits("a", index[500:])
    assert (whole[500:] == part).all()
    assert (whole != Mix(2).bits("a", index)).all()
    assert (whole != Mix(1).bits("b", index)).all()
    assert (whole != Mix(1).bits("a", index, 1)).all()


def test_known_numbers_stay_what_they_are() -> None:
    assert Mix(1).bits("a", np.arange(2, dtype=np.uint64)).tolist() == _KNOWN


def test_choices_come_as_often_as_they_weigh() -> None:
    found = np.bincount(Mix(3).choice((0.7, 0.2, 0.1), "c", np.arange(100_000, dtype=np.uint64)))
    assert abs(found / 100_000 - (0.7, 0.2, 0.1)).max() < 0.01


def test_spread_gives_no_number_twice() -> None:
    found = spread(np.arange(100_000, dtype=np.uint64), 1_000_000, 2_654_435_761, 5)
    assert len(set(found.tolist())) == 100_000
