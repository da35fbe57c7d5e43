"""What becomes of a delivery is counted."""

from workers.collection.day import Tally


def test_what_is_neither_new_nor_changed_is_unchanged() -> None:
    assert Tally(rows=10, added=3, changed=2, ended=7).unchanged == 5
