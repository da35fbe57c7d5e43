"""Every decision stands in the index under its own title, in the order of the numbers, none of which is left out."""

import re

from tests.house.test_files import ROOT

FOLDER = ROOT / "docs" / "decisions"


def test_the_index_lists_every_decision_by_its_title() -> None:
    titles = {path.name: path.read_text().splitlines()[0] for path in sorted(FOLDER.glob("[0-9]*.md"))}
    listed = re.findall(r"^- \[(\d{4})\]\((.+)\) (.+)$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert [(name, f"# {number} {title}") for number, name, title in listed] == list(titles.items())
    assert [int(number) for number, *_ in listed] == list(range(1, len(titles) + 1))
