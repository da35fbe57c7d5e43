"""Whatever is claimed is waited for with a bound: locks and places here, locks and claimed rows in PostgreSQL.

In the process a lock or a semaphore is taken under `asyncio.timeout`, or is named with what bounds the wait. In
PostgreSQL every connection has a `lock_timeout` (`session_settings`), so only locks of a session, which outlive their
transaction, are named. A row that somebody claims until a time is taken over by a query that compares that time.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from kernel.settings import Settings
from kernel.store.database import Database, session_settings
from tests.house.test_files import ROOT, tracked

SERVING = ("api", "centers", "identity", "kernel", "notifications", "realtime", "workers")

BOUNDED = {
    "identity/password.py:_apart": "so many may wait (`_WAITING_AT_MOST`), and a hash takes a fraction of a second",
    "workers/smtp/pool.py:check": "who has it asks the relay in bounds, and who waited is then too late or answered",
}
"""What takes a lock or a place without a time-out of its own, and what bounds the wait."""

SESSIONS = {"kernel/schema/migrate.sql": "under the `statement_timeout` of migrations, which is set before it"}
"""Locks of a session that are waited for."""

CLAIMS = {
    "outbox.claimed_until": "workers/runtime/relay.sql",
    "sms_lease.taken_back_until": "notifications/gateway/lease.sql",  # 0034_leases_are_taken_back
    "sms_lease.until": "notifications/gateway/lease.sql",
    "email_deferred.due_at": "workers/smtp/deferred.sql",
    "subscription.next_try_at": "centers/product/platform.sql",
}
"""Columns that say until when a row is somebody's, and where it is taken over after that."""

_MADE = re.compile(r"asyncio\.(?:Lock|Semaphore|BoundedSemaphore|Condition)\(")
_ALIASES = {"_line"}
"""Other names of those: what the desk waits in is the line of the sign-in."""

_SESSION = re.compile(r"\bpg_advisory_lock(?:_shared)?\s*\(")
_COLUMN = re.compile(r"^\s+(\w*(?:claimed|leased|taken)\w*_until)\s", re.MULTILINE)
_OVER = r"\b{}\s*(?:<=?)\s*(?:clock_timestamp|now)\(\)"


def made(source: str) -> set[str]:
    """Names of the attributes that hold a lock or a semaphore."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and _MADE.search(ast.unparse(node.value)):
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            found |= {ast.unparse(one).rpartition(".")[2] for one, made_ in pairs if _MADE.match(ast.unparse(made_))}
    return found


def _takes(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression is a lock that is entered, or a call that takes it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "acquire":
            return _takes(node.func.value, names)
        return node.func.attr == "enter_async_context" and any(_takes(one, names) for one in node.args)
    return isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node).rpartition(".")[2] in names


def _unbounded(node: ast.AST, names: set[str], *, bounded: bool) -> bool:
    if isinstance(node, ast.AsyncWith):
        for one in node.items:
            bounded |= "timeout" in ast.unparse(one.context_expr)
            if not bounded and _takes(one.context_expr, names):
                return True
        return any(_unbounded(below, names, bounded=bounded) for below in node.body)
    if isinstance(node, ast.Await) and not bounded and _takes(node.value, names):
        return True
    return any(_unbounded(below, names, bounded=bounded) for below in ast.iter_child_nodes(node))


def unbounded(source: str, names: set[str]) -> Iterator[str]:
    """Functions that take one of these without a time-out."""
    for node in [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.AsyncFunctionDef)]:
        if any(_unbounded(step, names, bounded=False) for step in node.body):
            yield node.name


def test_a_lock_or_a_place_in_the_process_is_taken_in_bounds() -> None:
    paths = [path for path in tracked(".py") if path.relative_to(ROOT).parts[0] in SERVING]
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    names = _ALIASES.union(*(made(source) for source in sources.values() if _MADE.search(source)))
    assert {"line", "_room", "_patient", "_checking", "lock", "_lock"} <= names
    found = {f"{name}:{one}" for name, source in sources.items() for one in unbounded(source, names)}
    assert sorted(found - BOUNDED.keys()) == []
    assert sorted(BOUNDED.keys() - found) == [], "named, and bounded by now"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("async with self._room: pass", True), ("await self._room.acquire()", True),
        ("await held.enter_async_context(self._room)", True),
        ("async with asyncio.timeout(1), self._room: pass", False),
        ("async with self._room, asyncio.timeout(1): pass", True),
        ("async with asyncio.timeout(1):\n        await self._room.acquire()", False),
        ("async with other: pass", False),
    ],
)  # fmt: skip
def test_one_that_is_waited_for_without_a_bound_is_found(body: str, found: bool) -> None:
    source = f"async def wait(self):\n    {body}\n"
    assert list(unbounded(source, {"_room"})) == (["wait"] if found else [])
    assert made("self._room, self.free = asyncio.Semaphore(2), 0") == {"_room"}
    assert made("self._lock = asyncio.Lock()") == {"_lock"}


def test_a_lock_of_a_session_is_waited_for_in_bounds() -> None:
    paths = [path for path in tracked(".sql") if path.relative_to(ROOT).parts[0] in SERVING]
    found = {str(path.relative_to(ROOT)) for path in paths if _SESSION.search(path.read_text())}
    assert sorted(found) == sorted(SESSIONS)


async def test_a_lock_in_postgresql_is_waited_for_in_bounds(database: Database, settings: Settings) -> None:
    async with database.connection() as connection:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            assert int(session_settings(settings)[name]) > 0
            assert await connection.fetchval(f"select current_setting('{name}')") != "0"


def test_what_somebody_claims_until_a_time_is_taken_over_after_it() -> None:
    claimed = set[str]()
    for path in (ROOT / "kernel/schema/tables").glob("*.sql"):
        for table in re.finditer(r"^create table (\w+) \((.*?)^\)", path.read_text(), re.MULTILINE | re.DOTALL):
            claimed |= {f"{table[1]}.{column}" for column in _COLUMN.findall(table[2])}
    assert claimed == {"outbox.claimed_until", "sms_lease.taken_back_until"}, "the others have plainer names"
    assert claimed <= CLAIMS.keys()
    for claim, path_ in CLAIMS.items():
        column = claim.partition(".")[2]
        assert re.search(_OVER.format(column), (ROOT / path_).read_text()), f"{claim} is never taken over in {path_}"
