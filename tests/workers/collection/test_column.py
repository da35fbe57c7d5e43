"""The feeds as data say what feeds.md says."""

from workers.collection.column import FEEDS, LOADED


def test_every_feed_is_there_and_its_key_and_references_are_columns() -> None:
    assert len(FEEDS) == 17
    for feed in FEEDS.values():
        names = [column.name for column in feed.columns]
        assert len(set(names)) == len(names)
        assert set(feed.key) <= set(names)
        assert {one.column for one in feed.references} <= set(names)
        assert {one.feed for one in feed.references} <= FEEDS.keys()


def test_what_is_loaded_comes_after_what_it_refers_to() -> None:
    for number, name in enumerate(LOADED):
        assert {one.feed for one in FEEDS[name].references} <= set(LOADED[:number])


def test_a_choice_has_choices_and_nothing_else_does() -> None:
    for feed in FEEDS.values():
        assert all((column.kind == "choice") == bool(column.choices) for column in feed.columns)
