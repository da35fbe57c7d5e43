"""What waits for rows of a partitioned table changes nothing in the same statement.

PostgreSQL 18 looks again at a row for which a statement had to wait; where the table is partitioned and the plan keeps
the other side of a join (Materialize), it finds the first two and forgets the rest.
"""

import re

import pytest

from kernel.store.database import Tx
from tests.house.test_queries import ALL, Query

_CHANGES = re.compile(r"\b(?:update(?: only)?|delete from|merge into)\s+(\w+)")
_WAITS = re.compile(r"\bfor (?:no key update|update|key share|share)\b(?!\s+(?:of \w+\s+)?(?:skip locked|nowait))")
_LOCKS = re.compile(r"\bfor (?:no key )?update\b")


def fault(sql: str, partitioned: set[str]) -> str | None:
    """The table that is waited for and changed at once, null when there is none."""
    if not _WAITS.search(sql):
        return None
    changed = set(_CHANGES.findall(_LOCKS.sub("", sql)))
    return next(iter(sorted(changed & partitioned)), None)


async def test_what_waits_for_rows_of_partitions_is_a_statement_of_its_own(tx: Tx) -> None:
    partitioned = {row[0] for row in await tx.fetch("select relname from pg_class where relkind = 'p'")}
    assert {"outgoing", "receipt", "inbound", "message"} <= partitioned
    assert [one.id for one in ALL if fault(_said(one), partitioned)] == []


def _said(query: Query) -> str:
    return re.sub(r"--.*", "", query.sql).lower()


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("with a as (select id from outgoing for update) update outgoing o set x = 1 from a", "outgoing"),
        ("update outgoing set x = 1 where id in (select id from outgoing o for no key update of o)", "outgoing"),
        ("delete from outgoing where id in (select id from broadcast for share)", "outgoing"),
        ("with a as (select id from outgoing for update skip locked) update outgoing o set x = 1 from a", None),
        ("with a as (select id from outgoing for update of o skip locked) update outgoing o set x = 1 from a", None),
        ("with a as (select id from customer for update) update customer set x = 1", None),
        ("select id from outgoing order by id for no key update", None),
    ],
)
def test_it_bites(sql: str, found: str | None) -> None:
    assert fault(sql, {"outgoing"}) == found
