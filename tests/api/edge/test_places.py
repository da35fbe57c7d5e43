"""So many requests at once, and since when there is no place."""

from api.edge.places import Places


def test_who_finds_no_place_is_refused_until_somebody_leaves() -> None:
    places = Places(2)
    assert [places.take() for _ in range(3)] == [True, True, False]
    places.leave()
    assert places.take()


def test_it_knows_since_when_it_is_full() -> None:
    places = Places(1)
    assert places.full_for() == 0.0
    places.take()
    places.take()
    first = places.full_for()
    assert 0.0 < first <= places.full_for()
    places.leave()
    assert places.full_for() == 0.0
