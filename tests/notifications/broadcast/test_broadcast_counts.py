"""Figures and pages of a broadcast cost the same whatever its size: shown by plans and counted rows."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel.security.scope import apply_system
from kernel.store.database import Database, Tx
from mobile_contracts.messaging.broadcast import MessageState
from notifications.broadcast import broadcast, tidying
from tests.notifications.conftest import Street
from tests.notifications.house import House

MANY, TIMES = 400, 20


def parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for below in plan.get("Plans", []):
        yield from parts(below)


async def planned(tx: Tx, query: str, *given: object) -> list[dict[str, Any]]:
    """The nodes of the plan by which a query really ran."""
    told = json.loads(await tx.fetchval(f"explain (analyze, format json) {query}", *given))
    return list(parts(told[0]["Plan"]))


async def grown(tx: Tx, house: House) -> UUID:
    """A broadcast to many, a few of which failed."""
    sent = await house.queued(customers=[await house.customer() for _ in range(MANY)])
    await tx.execute("update outgoing set state = 'sent'")
    await tx.execute("update outgoing set state = 'failed', reason = 'unreadable'"
                     " where id in (select id from outgoing order by id desc limit 3)")  # fmt: skip
    await tx.execute("analyze outgoing")
    return sent


async def test_figures_are_read_from_counts_that_are_kept_as_they_change(tx: Tx, house: House) -> None:
    sent = await grown(tx, house)
    progress = await broadcast.progress(tx, sent, house.settings)
    assert (progress.counts.sent, progress.counts.failed, progress.counts.queued) == (MANY - 3, 3, 0)
    nodes = await planned(tx, broadcast._sql.counts.sql, sent)
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {"broadcast_count"}
    await tidying.tidy(tx, house.settings)
    assert await tx.fetchval("select count(*) from broadcast_count where broadcast_id = $1", sent) == 2
    assert (await broadcast.progress(tx, sent, house.settings)).counts == progress.counts


@pytest.fixture
async def crowd(street: Street) -> UUID:
    """A broadcast of so many messages that sorting them is never as cheap as reading a page.

    It lies in a database of its own: what other tests leave behind, and when it is swept up, moves no plan here.
    """
    async with street.house() as house:
        sent = await grown(house.tx, house)
        await house.tx.execute(
            "insert into outgoing (id, broadcast_id, customer_id, channel, state)"
            " select uuidv7(), broadcast_id, customer_id, channel, 'sent'"
            "   from outgoing cross join generate_series(1, $1)",
            TIMES,
        )
    owner = await asyncpg.connect(street.settings.owner_url)
    await owner.execute("vacuum analyze")
    await owner.close()
    return sent


@pytest.mark.parametrize("planned_for", ["force_custom_plan", "force_generic_plan"])
async def test_a_page_reads_no_more_than_it_gives_of_each_state(street: Street, crowd: UUID, planned_for: str) -> None:
    async with street.house() as house:
        await house.tx.execute(f"set local plan_cache_mode = {planned_for}")
        await house.tx.execute(f"prepare page as {broadcast._sql.messages.sql}")
        await check_pages(house.tx, crowd)
        await house.tx.execute("deallocate page")


async def check_pages(tx: Tx, sent: UUID) -> None:
    """Each page is right and was read from the index of its state alone."""
    states: list[MessageState] = ["queued", "sent", "failed"]
    for wanted, size in (([states[1]], 10), ([states[2]], 3), (states, 10)):
        found = await broadcast._sql.messages(tx, broadcast_id=sent, states=wanted, after=UUID(int=0), size=10)
        assert len(found) == size
        assert [one.id for one in found] == sorted(one.id for one in found)
        named = ", ".join(wanted)
        nodes = await planned(tx, f"execute page ('{{{named}}}', '{UUID(int=0)}', 10, '{sent}')")
        scans = [node for node in nodes if node.get("Relation Name", "").startswith("outgoing_")]
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan"}
        assert all(node["Index Name"].endswith("_broadcast_id_state_channel_id_idx") for node in scans)
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 10 * len(wanted)
        assert not any(node.get("Rows Removed by Filter") for node in scans)


async def test_all_pages_together_are_all_messages(tx: Tx, house: House) -> None:
    sent = await grown(tx, house)
    seen, after = list[UUID](), broadcast.MessageCursor()
    while page := await broadcast.list_messages(tx, sent, None, after, 150):
        seen += [one.id for one in page]
        after = broadcast.MessageCursor(page[-1].id)
    assert len(seen) == len(set(seen)) == MANY


async def test_nobody_who_moves_messages_waits_for_another_and_the_sum_is_right_at_every_moment(
    street: Street,
) -> None:
    sent = await street.queued(4)
    ids = await street.within(lambda house: house.tx.fetch("select id from outgoing order by id"))

    async def counted(database: Database) -> dict[str, int]:
        async with database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            rows = await broadcast._sql.counts(tx, broadcast_id=sent)
            return {row["state"]: row["messages"] for row in rows}

    move = "update outgoing set state = 'sent' where id = $1"
    async with street.database.transaction() as first:
        await apply_system(first, "test", kind="company")
        await first.execute(move, ids[0]["id"])
        async with street.database.transaction() as second:
            await apply_system(second, "test", kind="company")
            await second.execute(move, ids[1]["id"])
            await tidying._sql.fold(second, size=100)
        assert await counted(street.database) == {"queued": 3, "sent": 1}
    assert await counted(street.database) == {"queued": 2, "sent": 2}
    async with street.database.transaction() as one, street.database.transaction() as other:
        assert await tidying._sql.fold(one, size=1) > 0
        await tidying._sql.fold(other, size=100)
    assert await counted(street.database) == {"queued": 2, "sent": 2}
