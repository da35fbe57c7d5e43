"""The list of windows as a table of the documents; whether it is true of the schema is proven in `tests/house`."""

from datetime import timedelta

import pytest

from kernel.schema import retention
from kernel.schema.retention import FEED, HOUSEKEEPING, NOBODY, Kept

PLACE = "before\n<!-- written by python -m kernel.schema.retention -->\n{}<!-- until here -->\nafter\n"


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        (
            Kept("a", HOUSEKEEPING, "done ones", timedelta(days=1), "at"),
            "| `a` | 1 day from `at` | done ones | houseke",
        ),
        (Kept("a", HOUSEKEEPING, "done ones", timedelta(hours=36), "at"), "| `a` | 36 hours from `at` |"),
        (Kept("a", HOUSEKEEPING, "done ones", timedelta(minutes=15), "at"), "| `a` | 15 minutes from `at` |"),
        (Kept("a", HOUSEKEEPING, "done ones", timedelta(), "until"), "| `a` | until `until` |"),
        (Kept("a", NOBODY, "a few rows"), "| `a` | for ever | a few rows | nobody |"),
        (Kept("a", FEED, "closed ones"), "| `a` | for ever | closed ones | the source system |"),
        (Kept("a", "b/c.sql:d", "while open"), "| `a` | as long as it is of use | while open | `b/c.sql:d` |"),
    ],
)
def test_a_line_says_how_long_what_is_kept_and_who_sees_to_it(
    kept: Kept, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT", (kept,))
    assert retention.page().splitlines()[2].startswith(line)


def test_the_list_takes_the_place_that_is_marked_for_it() -> None:
    text = retention.put(PLACE.format("old\n"))
    assert text == PLACE.format(retention.page())
    assert retention.put(text) == text


@pytest.mark.parametrize("text", ["", "<!-- until here -->", "<!-- written by python -m kernel.schema.retention -->\n"])
def test_a_document_without_that_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        retention.put(text)


def test_what_housekeeping_deletes_has_a_window() -> None:
    assert "outbox" not in retention.forgotten()
    assert all(retention.window(table) >= timedelta() for table in retention.forgotten())
