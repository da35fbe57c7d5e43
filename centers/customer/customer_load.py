"""Merges the feeds `customer`, `account` and `relation`, set by set, in the load's own transaction."""

import datetime
from pathlib import Path

from kernel.errors import BrokenReference, Unavailable
from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("customer_load.sql"))

KNOWN: dict[str, str] = {
    "known_customer": _sql.known_customers.sql,
    "known_account": _sql.known_accounts.sql,
    "known_relation": _sql.known_relations.sql,
}
"""What the loader compares with, each a query for COPY."""


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


async def merge_customers(tx: Tx) -> None:
    """Writes the staged customers; who changes branch leaves a trace there, and takes the relations along."""
    await _sql.leave_branches(tx)
    await _sql.come_back(tx)
    await _sql.take_relations_along(tx)
    await _sql.change_customers(tx)
    await _sql.add_customers(tx)
    await _sql.empty_customers(tx)


async def merge_accounts(tx: Tx) -> None:
    """Writes the staged accounts."""
    await _sql.change_accounts(tx)
    await _sql.add_accounts(tx)
    await _sql.empty_accounts(tx)


async def end_relations(tx: Tx, day: datetime.date) -> None:
    """Ends on that day the relations that are gone."""
    await _sql.end_relations(tx, day=day)


async def merge_relations(tx: Tx) -> None:
    """Writes the staged relations."""
    await _sql.change_relations(tx)
    await _sql.add_relations(tx)
    await _sql.empty_relations(tx)


async def prove_customers(tx: Tx) -> None:
    """Raises `BrokenReference` when a customer of this transaction has a branch that is not there."""
    _proven("customer", await _sql.prove_customers(tx))


async def prove_accounts(tx: Tx) -> None:
    """Raises `BrokenReference` when an account of this transaction has an owner who is not there."""
    _proven("account", await _sql.prove_accounts(tx))


async def prove_relations(tx: Tx) -> None:
    """Raises `BrokenReference` when a relation of this transaction joins somebody who is not there."""
    _proven("relation", await _sql.prove_relations(tx))


count_customers, count_accounts, count_relations = _sql.analyze_customer, _sql.analyze_account, _sql.analyze_relation
"""Have PostgreSQL count anew what it plans with."""


def _proven(what: str, broken: int) -> None:
    if broken:
        raise BrokenReference(f"{broken} {what} rows refer to nobody")
