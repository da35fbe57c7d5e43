"""What is asked again and again reads what is open, however much was closed before."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7 as gen_uuid7

from centers.service import conversation as actions
from centers.service import conversation_list, holding, message
from kernel.security.scope import apply_system
from kernel.store.database import Database, Tx
from tests.centers.service.conftest import Service

CLOSED, SAID = 100_000, 2_000
_FILL = """
with filled as (
    insert into conversation (id, customer_id, branch_id, employee_id, state, opened_at, closed_at, by_relation)
    select gen_random_uuid(), c.id, c.branch_id, e.id, 'closed', now() - n * interval '1 minute', now(), true
      from generate_series(1, $1::integer) as n, customer c, employee e
     where c.customer_no = '88000001' and e.employee_no = '1001'
 returning id, customer_id, employee_id
)
insert into participant (conversation_id, kind, person_id, no, name)
select id, 'investor', customer_id, '88000001', 'x' from filled
union all
select id, 'staff', employee_id, '1001', 'x' from filled"""


class Explained:
    """Takes the queries of a function and asks for their plans instead."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self.plans = tx, list[dict[str, Any]]()

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Runs the query and gives no row."""
        told = await self._tx.fetchval(f"explain (analyze, format json) {sql}", *arguments)
        self.plans.append(json.loads(told)[0]["Plan"])
        return []

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """Runs the query and gives nothing."""
        await self.fetch(sql, *arguments)

    fetchrow = fetchval

    def scans(self) -> list[dict[str, Any]]:
        """Every scan of what was ever said, with how many rows it read."""
        return [
            one
            for plan in self.plans
            for one in _nodes(plan)
            if one.get("Relation Name", "").startswith(("conversation", "participant", "message"))
        ]


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for one in plan.get("Plans", ()) for node in _nodes(one))]


def read(scan: dict[str, Any]) -> float:
    """The rows that a scan looked at, those that it threw away included."""
    return float((scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"])


@pytest.fixture
async def long_ago(service: Service) -> tuple[Service, UUID]:
    """One conversation that is open, and many of the same two people that were closed."""
    owner = await asyncpg.connect(service.brokerage.settings.owner_url)
    await owner.execute(
        "select set_config('hexad.scope', 'company', false), set_config('hexad.principal', 'system:test', false)"
    )
    await owner.execute(_FILL, CLOSED)
    async with service.database.transaction() as tx:
        line = await service.opened(tx, "88000001")
        await service.opened(tx, "88000005")
    await owner.execute("analyze")
    await owner.close()
    return service, line.id


async def test_what_is_current_is_read_without_what_is_past(long_ago: tuple[Service, UUID]) -> None:
    service, conversation = long_ago
    people = service.brokerage.employees["1001"], service.brokerage.customers["88000001"]
    units = list(service.brokerage.units.values())

    async def lines(name: str, tx: Any) -> Any:
        scope, reader = await service.person(tx._tx, name)
        return await conversation_list.list_lines(tx, scope, reader, [conversation])

    asked: dict[str, Callable[[Any], Awaitable[Any]]] = {
        "lines of staff": lambda tx: lines("staff:1001", tx),
        "lines of an investor": lambda tx: lines("investor:88000001", tx),
        "the look": lambda tx: conversation_list.standing(tx, [conversation], [people[1]], [people[0]], units),
        "who holds on": lambda tx: holding.check_holders(tx, [conversation]),
        "those in turn": lambda tx: holding.assigned_after(tx, UUID(int=0), 5000),
        "the least busy": lambda tx: actions._sql.least_busy(tx, branch=units[0], silence=15.0),
        "the open one": lambda tx: actions._sql.open_one(tx, customer=people[1], employee=people[0]),
        "any open one": lambda tx: actions._sql.open_any(tx, customer=people[1]),
    }
    for name, ask in asked.items():
        async with service.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            explained: Any = Explained(tx)
            await ask(explained)
        scans = explained.scans()
        assert scans, name
        assert [one for one in scans if one["Node Type"] == "Seq Scan"] == [], name
        assert sum(map(read, scans)) < 50, (name, scans)


async def test_whether_a_message_is_stored_already_is_asked_of_its_index_in_a_new_house_too(service: Service) -> None:
    """The plan may be of a time when nothing was ever said, and lasts while a conversation grows long."""
    owner = await asyncpg.connect(service.brokerage.settings.owner_url)
    await owner.execute("vacuum analyze message")
    await owner.close()
    settings = service.brokerage.settings
    database = await Database.open(settings.database_url, settings, plan_once=True, whole_tables=False)  # as realtime
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        line = await service.opened(tx, "88000001")
        await tx.execute(f"prepare known (uuid[], uuid[]) as {message._sql.known.sql}")
        await tx.execute("execute known ('{}', '{}')")
        said = [gen_uuid7() for _ in range(SAID)]
        await message._sql.add(
            tx, conversation_ids=[line.id] * SAID, seqs=range(1, SAID + 1), ids=said, sender_kinds=["investor"] * SAID,
            sender_ids=[1] * SAID, client_ids=said, kinds=["text"] * SAID, bodies=["x"] * SAID,
            ats=[datetime.now(UTC)] * SAID,
        )  # fmt: skip
        asked = [f"array_fill('{one}'::uuid, array[20])" for one in (line.id, said[-1])]
        explained: Any = Explained(tx)
        await explained.fetch(f"execute known ({', '.join(asked)})")
        await tx.execute("deallocate known")
    await database.close()
    assert sum(map(read, explained.scans())) < 200
