"""In what runs for as long as its process, a loop over many items keeps the error of one from stopping the others.

A loop or a comprehension that awaits for each item keeps what it awaits apart by an `item` or `turn` of `Apart`, by
its `halved`, or by a `try` that catches every `Exception`; a `while` that goes on for ever outlives whatever a turn of
it meets. Any other is named here with the reason why its items stand and fall together. What takes a `tx` shares that
transaction, so whoever opened it keeps its items apart; a handler of jobs is looked at all the same.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.house.test_files import ROOT, tracked

LASTING = ("api", "identity", "notifications", "realtime", "workers")
"""What runs for as long as its process, or is called by what does."""

WHOLE = "workers/collection/"
"""A delivery is loaded whole or not at all (docs/feeds.md): the first fault of a part is one of all, and ends it."""

TOGETHER = {
    "identity/provider.py:_key": "two tries of one question: the keys that are known, then the provider's newest",
    "api/edge/bodies.py:_parts": "the parts of one body",
    "api/edge/reading.py:authorize_connection": "the first guard that lets a request not through ends it",
    "api/messaging/lease.py:lease_messages": "what cannot be read goes among the dead, which fails without a broker",
    "notifications/gateway/lease.py:give_back": "what is away for one queue is so for all, and what is left is let go",
    "notifications/gateway/lease.py:take": "a page of one queue after another, for one answer to one gateway",
    "realtime/connection.py:_read": "the frames of one client, whose socket ends with an error of ours",
    "realtime/connection.py:_write": "the frames of one client, whose socket is gone when one cannot be written",
    "realtime/desk.py:_arrived": "they share a transaction; whoever asked for it halves what fails (`Together`)",
    "realtime/desk.py:_missed": "whoever asked for it halves what fails (`Together`)",
    "realtime/lookout.py:tell": "the languages of one notice, and each notice is a turn",
    "realtime/marks.py:_halve": "both halves keep whatever goes wrong among what is left",
    "workers/runtime/dead_letters.py:turn": "it asks the broker, who answers for every queue or for none",
    "workers/operations/housekeeping.py:keep_house": "it makes each table a job of its own",
    "workers/operations/housekeeping.py:forget_outlived": "chunks of one table in one transaction",
    "workers/messaging/outbound.py:turn": "each step of a broadcast is an item; what is away for all is told last",
    "workers/messaging/outbound.py:_apply": "so many tries of one write",
    "workers/messaging/outbound.py:_take": "what cannot be read is buried, which fails without a broker",
    "workers/product/product_view.py:spread_view": "one view, whose broadcasts by channel start once, together",
    "workers/runtime/relay.py:_publish": "jobs go queue by queue, and a broker that refuses one is away for all",
    "workers/runtime/relay.py:_handlers": "a question about names, which shares a transaction",
    "workers/messaging/reminder.py:produce_reminders": "it makes each rule a job of its own",
    "realtime/together.py:_work": "`_settle` outlives whatever goes wrong, and halves until it stands alone",
    "workers/smtp/gathering.py:_turn": "`_settle` outlives whatever goes wrong, and halves until it stands alone",
    "workers/smtp/delivery.py:deliver": "so many tries of one letter",
    "workers/smtp/pool.py:close": "it takes leave at the end of the process, and a relay that breaks off has left too",
    "workers/product/subscription.py:expire_subscriptions": "chunks of one statement in one transaction",
    "workers/product/subscription.py:tell_of_subscription": "one outcome, of which all are told together",
    "workers/product/subscription.py:read_contracts": "pages in the order of their positions: none may be passed over",
}
"""Loops over items that stand and fall together."""

FOR_EVER = {
    "realtime/connection.py:_caught_up": "page after page of one conversation, until it is caught up with",
    "realtime/connection.py:_write": "it ends with its socket",
    "realtime/gossip.py:run": "the hub begins it again (`_kept_up`), and what is lost is found by looking",
    "realtime/marks.py:run": "`_keep` outlives whatever goes wrong, and the hub begins it again (`_kept_up`)",
    "workers/runtime/gate.py:passed": "before the process begins: what it does not expect ends the start, and is seen",
    "workers/runtime/job.py:_do": "it ends with the job, or tries again what a crash of PostgreSQL took back",
    "workers/smtp/records.py:_insist": "it ends when its patience is over; every caller is an item",
}
"""Loops without an end of their own that may end in an error."""

_EVERYTHING = ("Exception", "BaseException")
_WAITS = ("asyncio.sleep", "asyncio.wait")
_SHIELDS = ("item", "turn", "halved")


def _catches_everything(node: ast.Try) -> bool:
    return any(one.type is None or ast.unparse(one.type) in _EVERYTHING for one in node.handlers)


def _shielded_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SHIELDS


def _waits(node: ast.Await) -> bool:
    """Whether it only waits: for a time, for a word, for the next item."""
    called = node.value.func if isinstance(node.value, ast.Call) else node.value
    name = ast.unparse(called)
    return name in _WAITS or (isinstance(called, ast.Attribute) and called.attr in ("wait", "get"))


def _bare(node: ast.AST) -> bool:
    """Whether something is awaited with nothing around it that keeps its error."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    if isinstance(node, ast.Await):
        return not _waits(node) and not _shielded_call(node.value)
    if isinstance(node, ast.With) and any(_shielded_call(one.context_expr) for one in node.items):
        return False
    if isinstance(node, ast.AsyncWith) and any("timeout" not in ast.unparse(one.context_expr) for one in node.items):
        return True
    below: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Try) and _catches_everything(node):
        below = [*node.handlers, *node.orelse, *node.finalbody]
    return any(_bare(one) for one in below)


def _each(loop: ast.AST) -> list[ast.AST]:
    """What a loop does for each of its items; nothing for what is no loop over items."""
    if isinstance(loop, ast.For | ast.AsyncFor) or (isinstance(loop, ast.While) and not _is_endless(loop)):
        return list(loop.body)
    if isinstance(loop, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        made = [loop.key, loop.value] if isinstance(loop, ast.DictComp) else [loop.elt]
        later = [one.iter for one in loop.generators[1:]]
        return [*made, *later, *(test for one in loop.generators for test in one.ifs)]
    return []


def _is_endless(loop: ast.AST) -> bool:
    if not isinstance(loop, ast.While):
        return False
    test = ast.unparse(loop.test)
    return test == "True" or "stop" in test


def _shares_a_transaction(function: ast.AsyncFunctionDef) -> bool:
    handles = any("handles" in ast.unparse(one) for one in function.decorator_list)
    return not handles and any(one.arg == "tx" for one in function.args.args)


def _functions(source: str) -> list[ast.AsyncFunctionDef]:
    return [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.AsyncFunctionDef)]


def unshielded(source: str) -> Iterator[str]:
    """Functions with a loop, each once for each, whose items are not kept apart."""
    for function in _functions(source):
        for loop in ast.walk(function):
            if not _shares_a_transaction(function) and any(_bare(step) for step in _each(loop)):
                yield function.name


def mortal(source: str) -> Iterator[str]:
    """Functions with a loop that has no end, which an error ends all the same."""
    for function in _functions(source):
        for loop in ast.walk(function):
            if isinstance(loop, ast.While) and _is_endless(loop) and any(_bare(step) for step in loop.body):
                yield function.name


def sources() -> dict[str, str]:
    """By path, the text of every module that is looked at."""
    paths = {str(path.relative_to(ROOT)): path for path in tracked(".py")}
    return {
        name: path.read_text()
        for name, path in paths.items()
        if name.split("/")[0] in LASTING and not name.startswith(WHOLE)
    }


def test_an_item_of_a_loop_does_not_stop_the_others() -> None:
    found = {f"{name}:{function}" for name, source in sources().items() for function in unshielded(source)}
    assert sorted(found - TOGETHER.keys()) == []
    assert sorted(TOGETHER.keys() - found) == [], "named, and no such loop any more"


def test_a_loop_without_an_end_outlives_whatever_it_meets() -> None:
    found = {f"{name}:{function}" for name, source in sources().items() for function in mortal(source)}
    assert sorted(found - FOR_EVER.keys()) == []
    assert sorted(FOR_EVER.keys() - found) == [], "named, and no such loop any more"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("await send(one)", True), ("if one:\n            await send(one)", True),
        ("with apart.item(one):\n            await send(one)", False),
        ("with held(one):\n            await send(one)", True), ("await apart.halved(one, send)", False),
        ("try:\n            await send(one)\n        except Odd:\n            pass", True),
        ("try:\n            await send(one)\n        except Exception:\n            note(one)", False),
        ("try:\n            note(one)\n        except Exception:\n            await bury(one)", True),
        ("async with transaction():\n            note(one)", True), ("note(one)", False),
        ("await asyncio.sleep(1)", False),
    ],
)  # fmt: skip
def test_a_loop_whose_items_stop_one_another_is_found(body: str, found: bool) -> None:
    each = f"async def turn():\n    for one in due:\n        {body}\n"
    assert list(unshielded(each)) == (["turn"] if found else [])
    assert list(mortal(each.replace("for one in due", "while True"))) == (["turn"] if found else [])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return [one for one in due if await send(one)]", True), ("return [one for one in await due()]", False),
        ("return {one: await of(one) for one in due}", True),
        ("return [two for one in due for two in await of(one)]", True),
        ("return [one for few in await apart.halved(due, send) for one in few]", False),
    ],
)  # fmt: skip
def test_one_in_a_comprehension_is_found(body: str, found: bool) -> None:
    assert list(unshielded(f"async def turn():\n    {body}\n")) == (["turn"] if found else [])
    assert list(unshielded(f"async def turn(tx):\n    {body}\n")) == []
    assert list(unshielded(f"@handles(Due)\nasync def turn(tx):\n    {body}\n")) == (["turn"] if found else [])
