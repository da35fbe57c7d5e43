r"""A pattern ends with `\Z`: Python's `$` also matches before a line break at the end, which then is stored."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_files import PACKAGES, ROOT


def loose_ends(source: str) -> list[str]:
    """Patterns of a module that end with `$`, but for those of many lines."""
    tree = ast.parse(source)
    many_lines = {id(part) for call in ast.walk(tree) if _of_many_lines(call) for part in ast.walk(call)}
    return [text for node, text in _patterns(tree) if id(node) not in many_lines and text.endswith("$")]


def _patterns(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Texts that begin with `^`, and whatever is handed over as a pattern; of one with holes what ends it."""
    handed = {id(part) for call in ast.walk(tree) if isinstance(call, ast.Call) for part in _handed_over(call)}
    for node in ast.walk(tree):
        text = _end(node)
        if isinstance(node, ast.Constant | ast.JoinedStr) and text and (id(node) in handed or text.startswith("^")):
            yield node, text


def _handed_over(call: ast.Call) -> list[ast.expr]:
    named = [one.value for one in call.keywords if one.arg == "pattern"]
    of_re = (
        isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "re"
    )
    return named + (call.args[:1] if of_re else [])


def _end(node: ast.AST) -> str:
    last = node.values[-1] if isinstance(node, ast.JoinedStr) and node.values else node
    return last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else ""


def _of_many_lines(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any("MULTILINE" in ast.unparse(part) for part in node.args)


def test_every_pattern_ends_where_the_text_ends() -> None:
    modules = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): ends for path in modules if (ends := loose_ends(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        'A = Annotated[str, Meta(pattern="^[a-z]$")]',
        'A = Meta(pattern="[a-z]$")',
        '_A = re.compile(r"[a-z]+$")',
        'A = "^[0-9]{6}$"',
        '_A = re.compile(rf"{_X}[a-z]$", re.IGNORECASE)',
        'found = re.search("x$", text)',
    ],
)
def test_a_loose_end_is_found(line: str) -> None:
    assert loose_ends(line)


@pytest.mark.parametrize(
    "line",
    [r'A = Meta(pattern=r"^[a-z]\Z")', '_A = re.compile(r"^-- name: (.*)$", re.MULTILINE)', 'PRICE = "US$"'],
)
def test_what_ends_well_or_has_many_lines_is_left_alone(line: str) -> None:
    assert loose_ends(line) == []


def test_the_rule_looks_at_every_package() -> None:
    assert all((Path(ROOT) / package).is_dir() for package in PACKAGES)
