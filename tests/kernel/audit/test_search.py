"""A search of a long log reads what it shows and no more, and shows nobody's personal data."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from kernel.audit import search
from kernel.audit.search import AuditCursor, Row, Wanted
from kernel.errors import InvalidInput
from kernel.settings import Settings
from kernel.store.database import Tx

ROWS = 30_000
NOW = datetime.now(UTC)
PAGE = {"since": NOW - timedelta(days=300), "after_at": NOW, "after_id": 0, "size": 21}


@pytest.fixture
async def long_log(own_settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """A year of rows, as the planner knows them."""
    connection = await asyncpg.connect(own_settings.owner_url)
    await connection.execute("alter table audit disable trigger audit_unseal")
    await connection.execute(
        "insert into audit (at, principal, action, noun, noun_id, after)"
        " select now() - interval '1 minute' * (16 * n), 'staff:' || n % 30, 'action-' || n % 20, 'noun-' || n % 7,"
        " (n % 5000)::text, '{}' from generate_series($1::int, 1, -1) as n",
        ROWS,
    )
    await connection.execute("analyze audit")
    yield connection
    await connection.close()


SEARCHES = [
    (Wanted(noun="noun-1", noun_id="1"), "audit_noun"),
    (Wanted(noun="noun-1", noun_id="1", principal="staff:1", action="action-1"), "audit_noun"),
    (Wanted(principal="staff:1"), "audit_principal"),
    (Wanted(principal="staff:1", action="action-1", noun="noun-1"), "audit_principal"),
    (Wanted(action="action-1"), "audit_action"),
    (Wanted(action="action-1", noun="noun-1"), "audit_action"),
    (Wanted(), "audit_at"),
]


class Explained:
    """Takes the query that a search chose, and asks for its plan instead."""

    def __init__(self, log: asyncpg.Connection, planned: str) -> None:
        self._log, self._planned, self.plan = log, planned, dict[str, Any]()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Runs the query and gives no row."""
        statement = await self._log.prepare(sql)
        types = ", ".join(one.name for one in statement.get_parameters())
        quoted = [await self._log.fetchval("select quote_nullable($1::text)", _text(one)) for one in arguments]
        async with self._log.transaction():
            await self._log.execute(f"set local plan_cache_mode = {self._planned}")
            await self._log.execute(f"prepare searched ({types}) as {sql}")
            told = await self._log.fetchval(f"explain (analyze, format json) execute searched ({', '.join(quoted)})")
            await self._log.execute("deallocate searched")
        self.plan = json.loads(told)[0]["Plan"]
        return []


@pytest.mark.parametrize("planned", ["force_custom_plan", "force_generic_plan"])
async def test_every_search_has_its_index(long_log: asyncpg.Connection, planned: str) -> None:
    for wanted, index in SEARCHES:
        explained: Any = Explained(long_log, planned)
        await search._rows(explained, wanted, PAGE)
        scans = [one for one in _nodes(explained.plan) if "Scan" in one["Node Type"]]
        assert index in {one.get("Index Name") for one in scans}, explained.plan
        assert "Seq Scan" not in {one["Node Type"] for one in scans}
        if wanted.noun is None and planned == "force_custom_plan":
            assert [one["Actual Rows"] for one in scans] == [21], "no more than the page is read"


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else None if value is None else str(value)


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for one in plan.get("Plans", ()) for node in _nodes(one))]


async def test_pages_follow_one_another_in_time(long_log: asyncpg.Connection) -> None:
    found: list[int] = []
    after = None
    async with long_log.transaction():
        for _ in range(4):
            lines = await search.search(
                long_log, Wanted(principal="staff:7", since=NOW - timedelta(days=300)), after, 5
            )
            found += [one.id for one in lines]
            after = AuditCursor(lines[-1].at, lines[-1].id)
    assert len(found) == len(set(found)) == 20
    assert found == sorted(found, reverse=True)


async def test_a_time_without_end_or_offset_is_refused(tx: Tx) -> None:
    for wanted in (
        Wanted(since=NOW, until=NOW), Wanted(since=NOW - timedelta(days=367), until=NOW),
        Wanted(since=datetime.min.replace(tzinfo=UTC)), Wanted(until=NOW.replace(tzinfo=None)),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            await search.search(tx, wanted, None, 5)


def test_what_describes_a_person_is_hidden_at_every_depth() -> None:
    after = {"mobile": "138****0000", "email": None, "list": [{"id_no": "1"}], "version": 3, "text": "ok"}
    shown = search._shown(
        Row(1, NOW, "staff:1", "", "", "", "a", "b", "c", None, json.dumps(after), "mail a@example.com")
    )
    assert shown.after == {**after, "mobile": "[hidden]", "email": "[hidden]", "list": [{"id_no": "[hidden]"}]}
    assert shown.reason == "mail [email]"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2::/64", "2001:db8:1:2::/64"), ("", "[hidden]"),
        ("长安街1号", "[hidden]"), ("203 High Street", "[hidden]"), ("13800138000", "[hidden]"),
    ],
)  # fmt: skip
def test_where_a_request_came_from_is_shown_and_where_somebody_lives_is_not(address: str, shown: str) -> None:
    after = {"address": address, "device_id": "phone-1"}
    row = Row(1, NOW, "system:sign_in", "", "", "", "sign_in.refused", "credential", "c", None, json.dumps(after), None)
    assert search._shown(row).after == {**after, "address": shown}
