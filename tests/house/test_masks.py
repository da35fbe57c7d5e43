"""Personal data is masked in one place, `kernel/text/personal.py`: a second rule would show what the first hides."""

import ast
import re

import pytest

from tests.house.test_files import PACKAGES, ROOT

_STARS = re.compile(r"\*{3}")


def second_masks(name: str, source: str) -> list[str]:
    """Texts with stars in them that a module or a query makes: those of Python beside docstrings, all of SQL."""
    if name.endswith(".sql"):
        return [line.strip() for line in source.splitlines() if _STARS.search(line.partition("--")[0])]
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in told]
    return [node.value for node in texts if isinstance(node.value, str) and _STARS.search(node.value)]


def test_there_is_one_mask() -> None:
    files = [
        path
        for package in PACKAGES
        if package != "bench"
        for kind in ("*.py", "*.sql")
        for path in (ROOT / package).rglob(kind)
    ]
    found = {
        str(path.relative_to(ROOT)): masks for path in files if (masks := second_masks(path.name, path.read_text()))
    }
    migrations = [name for name in found if name.startswith("kernel/schema/migrations/")]
    allowed = {"kernel/text/personal.py", "hexad/tour/letters.py", *migrations}  # the tour reads a mask, it makes none
    assert set(found) <= allowed, found


@pytest.mark.parametrize(
    ("name", "source"),
    [("queries.sql", "select left(email, 1) || '***' as email"), ("seal.py", 'shown = f"{text[0]}****{text[-1]}"')],
)
def test_a_second_one_is_found(name: str, source: str) -> None:
    assert second_masks(name, source)
