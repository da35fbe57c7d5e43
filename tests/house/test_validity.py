"""Until when something holds is one rule, `lasts` and `holds` of the schema: an end is the first day without it.

Compared by hand it was `>` here and `>=` there, and who closes tomorrow was closed today.
"""

import re

import pytest

from tests.house.test_files import PACKAGES, ROOT

_ENDS = r"\w*(?:closed_on|ended_on|left_on|valid_to)"
_BY_HAND = re.compile(
    rf"{_ENDS}\s*[<>]=?\s*current_date|current_date\s*[<>]=?\s*(?:\w+\.)?{_ENDS}|{_ENDS}\s+is\s+(?:not\s+)?null",
    re.IGNORECASE,
)
_BETWEEN = "-- between days: "
"""Begins the comment of a query that compares with another day than today, and says which."""


def by_hand(source: str) -> list[str]:
    """Comparisons of an end that are not the rule's, in the queries of a file."""
    blocks = re.split(r"^(?=-- name:)", source, flags=re.MULTILINE)
    return [found[0] for block in blocks if _BETWEEN not in block for found in _BY_HAND.finditer(block)]


def test_every_query_asks_the_rule() -> None:
    files = [path for package in PACKAGES if package != "bench" for path in (ROOT / package).rglob("*.sql")]
    asked = [path for path in files if "schema" not in path.parts and not path.name.endswith(".duckdb.sql")]
    found = {str(path.relative_to(ROOT)): ends for path in asked if (ends := by_hand(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "and (e.left_on is null or e.left_on > current_date)", "and e.licence_valid_to >= current_date",
        "where c.closed_on is null", "and current_date < ended_on", "and r.valid_to<=current_date",
    ],
)  # fmt: skip
def test_a_comparison_by_hand_is_found(line: str) -> None:
    assert by_hand(f"-- name: find()\nselect 1\n  from customer c\n {line}")


def test_the_rule_itself_and_other_days_are_left_alone() -> None:
    assert by_hand("-- name: find()\nselect 1 where holds(r.valid_from, r.valid_to) and lasts(c.closed_on)") == []
    assert (
        by_hand("-- name: end(day)\n-- between days: of the delivery\nupdate unit set x = 1 where ended_on is null")
        == []
    )
