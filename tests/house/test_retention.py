"""Every table says how long it keeps what, and something sees to it: `retention.py` against the schema."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from kernel.schema import retention
from kernel.schema.retention import HOUSEKEEPING, KEEPERS, KEPT, MONTHS, NOBODY, Kept
from kernel.store.database import Tx
from tests.house.test_files import PACKAGES, ROOT, tracked

_QUERY = re.compile(r"^-- name: (\w+)\(", re.MULTILINE)
_HOUSEKEEPING = "workers/operations/housekeeping.sql:forget_"


def queries(root: Path, paths: Sequence[Path]) -> dict[str, str]:
    """The text of every query, by folder, file and name."""
    found = {}
    for path in paths:
        for block in re.split(r"^(?=-- name:)", path.read_text(), flags=re.MULTILINE):
            if name := _QUERY.match(block):
                found[f"{path.relative_to(root)}:{name[1]}"] = block
    return found


def faults(kept: Sequence[Kept], schema: Mapping[str, set[str]], known: Mapping[str, str]) -> Iterator[str]:
    """What the list says wrongly, or not at all, of tables (by their columns) and of queries (by their names)."""
    times = Counter(one.table for one in kept)
    yield from (f"nothing says how long {table} keeps what" for table in sorted(schema.keys() - times.keys()))
    yield from (f"there is no table {table}" for table in sorted(times.keys() - schema.keys()))
    yield from (f"{table} is said {count} times" for table, count in times.items() if count > 1)
    for one in kept:
        if len(one.says.split()) < 2:
            yield f"{one.table} gives no reason"
        if (one.window is None) != (not one.column) or (one.column and one.column not in schema.get(one.table, set())):
            yield f"{one.table} has a window without its column, or a column without a window"
        if one.by not in KEEPERS:
            yield from _unseen(one, known)
    theirs = {_HOUSEKEEPING + one.table for one in kept if one.by == HOUSEKEEPING}
    yield from (f"{name} is in no list" for name in known if name.startswith(_HOUSEKEEPING) and name not in theirs)


def _unseen(one: Kept, known: Mapping[str, str]) -> Iterator[str]:
    """Whether a query that is said to see to it does: it deletes from the table, by the column and the window."""
    query = known.get(_HOUSEKEEPING + one.table if one.by == HOUSEKEEPING else one.by, "")
    if not re.search(rf"\bdelete from {one.table}\b", query):
        yield f"nothing deletes from {one.table} as it says"
    elif one.window is not None and not re.search(rf"\b{one.column} < now\(\) - :window::interval", query):
        yield f"{one.table} is not deleted from by the window of {one.column}"


@pytest.fixture
async def schema(tx: Tx) -> dict[str, set[str]]:
    """The columns of every table; partitions are their table's."""
    rows = await tx.fetch(
        "select c.relname, array_agg(a.attname::text) from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace"
        " group by c.relname"
    )
    return {name: set(columns) for name, columns in rows}


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """The queries of the house."""
    return queries(ROOT, [path for path in tracked(".sql") if path.relative_to(ROOT).parts[0] in PACKAGES])


def test_every_table_says_how_long_it_keeps_what(schema: dict[str, set[str]], known: dict[str, str]) -> None:
    assert list(faults(KEPT, schema, known)) == []
    assert len(schema) > 60


async def test_what_lies_in_months_does_by_the_column_that_the_list_says(tx: Tx) -> None:
    rows = await tx.fetch(
        "select relname::text, pg_get_partkeydef(oid) from pg_class where relkind = 'p' and not relispartition"
        " and relnamespace = 'public'::regnamespace and pg_get_partkeydef(oid) like 'RANGE%'"
    )
    assert {tuple(row) for row in rows} == {(one.table, f"RANGE ({one.column})") for one in KEPT if one.by == MONTHS}


def mistaken(known: Mapping[str, str], tables: Sequence[str]) -> list[str]:
    """Queries that tell rows of a table in months apart by where they lie, which is so of one month only."""
    of_months = re.compile(rf"\b(?:from|join|update|into) (?:{'|'.join(tables)})\b")
    return [name for name, text in known.items() if re.search(r"\bctid\b", text) and of_months.search(text)]


def test_rows_in_months_are_told_apart_by_their_keys(known: dict[str, str]) -> None:
    tables = [one.table for one in KEPT if one.by == MONTHS]
    assert mistaken(known, tables) == []
    query = "update receipt set times = 1\n where ctid = any (array (select ctid from receipt limit 1))"
    assert mistaken({"a": query, "b": query.replace("receipt", "receipts"), "c": "select from receipt"}, tables) == [
        "a"
    ]


def test_operations_tell_it() -> None:
    text = retention.PATH.read_text()
    assert retention.put(text) == text, "write it anew: python -m kernel.schema.retention"
    assert all(f"| `{one.table}` | " in text for one in KEPT)


def test_the_window_in_force_is_the_one_in_the_list() -> None:
    assert retention.window("job") == timedelta(days=7)
    with pytest.raises(KeyError):
        retention.window("audit")


_FILE = "workers/operations/housekeeping.sql"
_GOOD = Kept("a", HOUSEKEEPING, "what is done", timedelta(days=1), "at")
_DELETES = "delete from a where ctid in (select ctid from a where at < now() - :window::interval limit :size);"


@pytest.mark.parametrize(
    ("kept", "deletes", "says"),
    [
        ((), {}, "nothing says how long a keeps what"),
        ((_GOOD, _GOOD), {"forget_a": _DELETES}, "a is said 2 times"),
        ((_GOOD, Kept("gone", NOBODY, "a few rows")), {"forget_a": _DELETES}, "there is no table gone"),
        ((Kept("a", NOBODY, ""),), {}, "a gives no reason"),
        ((Kept("a", NOBODY, "a few rows", timedelta(1), "on"),), {}, "a has a window without its column"),
        ((Kept("a", NOBODY, "a few rows", column="at"),), {}, "a has a window without its column"),
        ((_GOOD,), {}, "nothing deletes from a as it says"),
        ((_GOOD,), {"forget_a": "delete from ab where at < now() - :window::interval"}, "nothing deletes from a "),
        ((_GOOD,), {"forget_a": _DELETES.replace(":window::", "")}, "a is not deleted from by the window of at"),
        ((Kept("a", "workers/x.sql:drop", "what is done"),), {"drop": _DELETES}, "nothing deletes from a as it says"),
        ((_GOOD,), {"forget_a": _DELETES, "forget_b": _DELETES}, f"{_FILE}:forget_b is in no list"),
    ],
)  # fmt: skip
def test_what_the_list_says_wrongly_is_found(kept: tuple[Kept, ...], deletes: dict[str, str], says: str) -> None:
    known = {f"{_FILE}:{name}": text for name, text in deletes.items()}
    assert [one for one in faults(kept, {"a": {"at"}}, known) if one.startswith(says)]
    assert list(faults([_GOOD], {"a": {"at"}}, {f"{_FILE}:forget_a": _DELETES})) == []
