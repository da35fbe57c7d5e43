"""No test goes by the speed of its machine: `hexad bench` measures times, tests await with generous ceilings."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_files import ROOT

_WATCHES = {"monotonic", "perf_counter", "process_time", "time"}
_CEILINGS = {"asyncio.timeout", "asyncio.wait_for"}
CEILING = 20.0
"""Seconds within which what is awaited comes on every machine, however busy."""


def measured(tree: ast.AST) -> Iterator[int]:
    """Lines on which the time that something took must be less than a number."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield from (node.lineno for one in ast.walk(node.test) if _is_less_than_a_number(one))


def _is_less_than_a_number(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[ast.Constant()]):
            return _is_time(left)
        case ast.Compare(ops=[_, ast.Lt() | ast.LtE()], comparators=[left, ast.Constant()]):
            return _is_time(left)
    return False


def hurried(tree: ast.AST) -> Iterator[int]:
    """Lines on which asyncio gives something less time than it may take beside busy processes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in _CEILINGS:
            seconds = _number(node.args[-1])
            if seconds is not None and seconds < CEILING and not _is_expected(tree, node):
                yield node.lineno


def _number(node: ast.AST) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
    return None


def _is_time(node: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _WATCHES
        for one in ast.walk(node)
    )


def _is_expected(tree: ast.AST, call: ast.Call) -> bool:
    """Whether the test wants that this time runs out."""
    return any(
        isinstance(node, ast.With | ast.AsyncWith)
        and any("TimeoutError" in ast.unparse(item.context_expr) for item in node.items)
        and any(one is call for one in ast.walk(node))
        for node in ast.walk(tree)
    )


@functools.cache
def _files() -> list[tuple[Path, ast.AST]]:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    return [(path, ast.parse(path.read_text())) for path in paths if not path.is_relative_to(ROOT / "tests/house")]


def test_no_test_measures_wall_time_against_a_constant() -> None:
    assert [f"{path}:{line}" for path, tree in _files() for line in measured(tree)] == []


def test_what_is_awaited_has_time_to_come() -> None:
    assert [f"{path}:{line}" for path, tree in _files() for line in hurried(tree)] == []


@pytest.mark.parametrize(
    ("text", "bites"),
    [
        ("assert time.monotonic() - began < 5", True),
        ("assert 0.1 < time.perf_counter() - began <= 0.5", True),
        ("assert time.monotonic() - began > 0.15", False),
        ("assert count < 5", False),
    ],
)
def test_the_rule_of_the_clock_bites(text: str, *, bites: bool) -> None:
    assert bool(list(measured(ast.parse(text)))) is bites


@pytest.mark.parametrize(
    ("text", "bites"),
    [
        ("async with asyncio.timeout(2): await x", True),
        ("await asyncio.wait_for(x, 5)", True),
        ("async with asyncio.timeout(60): await x", False),
        ("with pytest.raises(TimeoutError):\n        async with asyncio.timeout(0.1): await x", False),
    ],
)
def test_the_rule_of_ceilings_bites(text: str, *, bites: bool) -> None:
    assert bool(list(hurried(ast.parse(f"async def test():\n    {text}")))) is bites
