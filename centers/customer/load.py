"""Merges the feeds `customer`, `account` and `relation`, set by set, in the load's own transaction."""

import datetime
from pathlib import Path

from msgspec import Struct

from kernel.database import Tx
from kernel.errors import Unavailable
from kernel.sql import load

_sql = load(Path(__file__).with_name("load.sql"))
_MANY = 5_000
"""New rows after which PostgreSQL counts anew: it would plan for the empty table else, foreign keys included."""

KNOWN: dict[str, str] = {
    "known_customer": _sql.known_customers.sql,
    "known_account": _sql.known_accounts.sql,
    "known_relation": _sql.known_relations.sql,
}
"""What the loader compares with, each a query for COPY."""


class Merged(Struct):
    """What a merge did, in rows."""

    added: int = 0
    changed: int = 0
    ended: int = 0


async def stage(tx: Tx) -> None:
    """Makes the empty tables that the feeds are copied into; gone with the transaction."""
    for make in (_sql.stage_customer, _sql.stage_account, _sql.stage_relation, _sql.stage_gone_relation):
        await make(tx)


async def draw_ids(tx: Tx, count: int) -> int:
    """The first of so many ids in a row for new customers; raises `Unavailable` when others draw at the same time."""
    for _ in range(10):
        drawn = await _sql.draw_ids(tx, count=count)
        if count == 0 or drawn["last"] - drawn["first"] == count - 1:
            return int(drawn["first"] or 0)
    raise Unavailable("the ids of customers are drawn by somebody else too")


async def merge_customers(tx: Tx) -> Merged:
    """Writes new and changed customers; who changes branch leaves a trace there, and takes the relations along."""
    await _sql.leave_branches(tx)
    await _sql.come_back(tx)
    await _sql.take_relations_along(tx)
    merged = Merged(changed=await _sql.change_customers(tx), added=await _sql.add_customers(tx))
    if merged.added >= _MANY:
        await _sql.analyze_customer(tx)
    return merged


async def merge_accounts(tx: Tx) -> Merged:
    """Writes new and changed accounts."""
    merged = Merged(changed=await _sql.change_accounts(tx), added=await _sql.add_accounts(tx))
    if merged.added >= _MANY:
        await _sql.analyze_account(tx)
    return merged


async def merge_relations(tx: Tx, day: datetime.date) -> Merged:
    """Writes new and changed relations, and ends on that day those that are gone."""
    merged = Merged(ended=await _sql.end_relations(tx, day=day), changed=await _sql.change_relations(tx))
    merged.added = await _sql.add_relations(tx)
    if merged.added >= _MANY:
        await _sql.analyze_relation(tx)
    return merged
