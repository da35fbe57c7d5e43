"""The feeds as data say what docs/feeds.md says."""

import re
from pathlib import Path

from workers.collection.column import FEEDS, LOADED

_PAGE = (Path(__file__).parents[3] / "docs" / "feeds.md").read_text()
_KINDS = {"date": "day", "id_no": "identity number", "long_text": "long text"}


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


def test_the_page_has_the_columns_of_every_feed_that_is_loaded() -> None:
    sections = {part.partition("\n")[0]: part.partition("\n## ")[0] for part in _PAGE.split("\n### ")[1:]}
    assert tuple(sections) == LOADED
    for name, text in sections.items():
        feed = FEEDS[name]
        columns = [
            (column.name, "°" if column.empty else "", _KINDS.get(column.kind, column.kind)) for column in feed.columns
        ]
        assert re.findall(r"^\| `(\w+)` ?(°?) \| ([\w ]+) \|", text, re.MULTILINE) == columns
        choices = [
            f"| choice | {', '.join(f'`{one}`' for one in column.choices)} |"
            for column in feed.columns
            if column.choices
        ]
        assert re.findall(r"\| choice \| .*", text) == choices
        assert f"Key: {', '.join(f'`{one}`' for one in feed.key)}." in text


def test_the_page_names_the_feeds_that_are_only_checked() -> None:
    checked = _PAGE.partition("## Feeds that are checked and not loaded yet")[2].partition("may be delivered")[0]
    assert re.findall(r"`(\w+)`", checked) == [name for name in FEEDS if name not in LOADED]
