"""In what runs for as long as its process, a loop over many items keeps the error of one from stopping the others.

A `for` of the relay whose body awaits has a `try` or an `item` of `Apart` around what it awaits, or is named here with
the reason why its items stand and fall together.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.house.test_files import ROOT

RELAY = ("outbound", "relay", "lease", "reaper", "dead_letters")
"""Modules of `workers/` whose turns the relay takes for as long as it runs."""

TOGETHER = {
    "workers/outbound.py:turn": "every step of a broadcast is an item, and what is away for all is told at the end",
    "workers/relay.py:_publish": "jobs are published queue by queue, and a broker that refuses one is away for all",
    "workers/dead_letters.py:turn": "it asks the broker, who answers for every queue or for none",
}


def _shields(node: ast.AST) -> bool:
    """Whether what stands within it cannot end the loop around it."""
    if isinstance(node, ast.Try):
        return True
    return isinstance(node, ast.With) and any(
        isinstance(one.context_expr, ast.Call) and ast.unparse(one.context_expr.func).endswith(".item")
        for one in node.items
    )


def _bare_awaits(node: ast.AST) -> bool:
    """Whether something is awaited with nothing around it that keeps its error."""
    if isinstance(node, ast.Await):
        return True
    if _shields(node) or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    return any(_bare_awaits(below) for below in ast.iter_child_nodes(node))


def unshielded(source: str) -> Iterator[str]:
    """Functions with a `for`, each once for each, whose items are not kept apart."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.AsyncFunctionDef):
            for loop in ast.walk(function):
                if isinstance(loop, ast.For) and any(_bare_awaits(step) for step in loop.body):
                    yield function.name


def test_an_item_of_a_loop_does_not_stop_the_others() -> None:
    paths = [ROOT / "workers" / f"{name}.py" for name in RELAY]
    found = {f"workers/{path.name}:{name}" for path in paths for name in unshielded(path.read_text())}
    assert sorted(found - TOGETHER.keys()) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("await send(one)", True), ("if one:\n            await send(one)", True),
        ("with apart.item(one):\n            await send(one)", False),
        ("with held(one):\n            await send(one)", True),
        ("try:\n            await send(one)\n        except Odd:\n            pass", False), ("note(one)", False),
    ],
)  # fmt: skip
def test_a_loop_whose_items_stop_one_another_is_found(body: str, found: bool) -> None:
    source = f"async def turn():\n    for one in due:\n        {body}\n"
    assert list(unshielded(source)) == (["turn"] if found else [])
