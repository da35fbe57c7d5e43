"""What is done to a batch costs as much as the batch, however large its broadcast, also while a month is new."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel.store.database import Database, Tx
from notifications.broadcast import dispatch
from notifications.receipt import receipt
from tests.notifications.conftest import Street

OTHERS, BATCH = 5000, 20


@pytest.fixture
async def crowd(street: Street) -> tuple[UUID, list[UUID]]:
    """A broadcast with thousands of messages of which PostgreSQL knows nothing yet, and some of them in hand."""
    owner = await asyncpg.connect(street.settings.owner_url)
    await owner.execute("analyze outgoing")  # nothing is there
    await owner.close()
    broadcast_id = await street.queued(BATCH)
    await street.execute(
        "insert into outgoing (id, broadcast_id, customer_id, channel, state)"
        " select uuidv7(), broadcast_id, customer_id, channel, state"
        "   from outgoing cross join generate_series(1, $1)",
        OTHERS // BATCH,
    )
    async with street.house() as house:
        ids = await house.tx.fetch("select id from outgoing order by id limit $1", BATCH)
    return broadcast_id, [row[0] for row in ids]


async def test_no_statement_of_a_hand_over_reads_the_whole_broadcast(
    street: Street, crowd: tuple[UUID, list[UUID]]
) -> None:
    broadcast_id, ids = crowd
    nothing = [None] * BATCH
    since = (await street.open(broadcast_id)).since
    database = await Database.open(street.settings.database_url, street.settings, size=1, whole_tables=False)
    try:
        async with database.transaction() as tx:
            await tx.execute("select set_config('hexad.scope', 'company', true)")
            plans: Any = Plans(tx)
            await dispatch._sql.claim(plans, broadcast_id=broadcast_id, since=since, channel="sms", size=BATCH)
            await dispatch._sql.begin(plans, ids=ids, contents=nothing)
            await dispatch._sql.hold(plans, ids=ids)
            await dispatch._sql.record(plans, ids=ids, state="sent")
            await receipt._sql.hold(plans, ids=ids)
            await receipt._sql.advance(plans, ids=ids, states=["delivered"] * BATCH, codes=[""] * BATCH)
            assert all(number <= 2 * BATCH for number in plans.read), plans.read
            plans.read.clear()
            await dispatch._sql.look(plans, ids=ids, numbers=nothing, emails=nothing)
            assert plans.read[0] <= BATCH + BATCH * (1 + OTHERS // BATCH), "each, and what each person got"
    finally:
        await database.close()


class Plans:
    """Runs queries for their plans: `read` has the rows of `outgoing` that each gave or passed over in its scans."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self.read = tx, list[float]()

    async def fetch(self, sql: str, *given: object) -> list[Any]:
        """Runs the query and gives no row."""
        plan = json.loads(await self._tx.fetchval(f"explain (analyze, format json) {sql}", *given))
        self.read.append(
            sum(
                (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                for node in _nodes(plan[0]["Plan"])
                if "Scan" in node["Node Type"] and str(node.get("Relation Name", "")).startswith("outgoing")
            )
        )
        return []

    async def execute(self, sql: str, *given: object) -> str:
        """The same."""
        await self.fetch(sql, *given)
        return "UPDATE 0"


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.get("Plans", []):
        yield from _nodes(inner)
