"""Reads one file of a delivery into text columns under their names, with a number per row."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import ColumnExpression, DuckDBPyConnection, Expression
from duckdb.sqltypes import VARCHAR

from workers.collection.column import NUMBERS, Column, Feed
from workers.collection.fault import KEPT, Fault, Faults
from workers.collection.workspace import call

_HEADER_AT_MOST = 1 << 14
_WORDS = {
    "MISSING COLUMNS": "has fewer values than the header has columns",
    "TOO MANY COLUMNS": "has more values than the header has columns",
    "UNQUOTED VALUE": "has a quote where none may stand, or one that is never closed",
    "INVALID ENCODING": "is not UTF-8",
    "LINE SIZE OVER MAXIMUM": "is too long",
}
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_BROKEN = ("FLOAT", "DOUBLE")
_OWN = {"date": "DATE", "time": "TIME", "boolean": "BOOLEAN"}
_NUMERIC = (*NUMBERS, "choice")


def rows_of(
    db: DuckDBPyConnection, feed: Feed, path: Path, name: str, faults: Faults
) -> duckdb.DuckDBPyRelation | None:
    """The rows with the feed's columns as text, empty ones null, and `row_no` from 1; null when it cannot be read."""
    before, read = faults.count, _parquet if path.suffix == ".parquet" else _csv
    found = read(db, feed, path, name, faults)
    return found if faults.count == before else None


@contextmanager
def damage(name: str, faults: Faults) -> Iterator[None]:
    """Around whatever reads the file: damage that shows only then is a fault; its message may hold values, and goes."""
    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error:
        faults.add(name, "it cannot be read: it is damaged, or has text that is not UTF-8")


def _csv(db: DuckDBPyConnection, feed: Feed, path: Path, name: str, faults: Faults) -> duckdb.DuckDBPyRelation | None:
    header = _header(path)
    if header is None:
        faults.add(name, "its header is no row of column names")
        return None
    if not _names_fit(feed, header, name, faults):
        return None
    db.execute("drop table if exists raw")
    db.read_csv(
        str(path), header=True, columns=dict.fromkeys(header, "VARCHAR"), auto_detect=False, delimiter=",",
        quotechar='"', escapechar='"', strict_mode=True, null_padding=False, store_rejects=True, rejects_limit=0,
    ).create("raw")  # fmt: skip
    rejected = db.table("reject_errors")
    count = len(rejected)
    if count:
        shown = rejected.order("line").limit(KEPT).project("line, column_name, error_type::varchar").fetchall()
        faults.add_many(
            [Fault(name, line - 1, column or "", _WORDS.get(kind, "is malformed")) for line, column, kind in shown],
            count,
        )
        db.execute("drop table reject_errors")
        db.execute("drop table reject_scans")
        return None
    texts = [call("filled", ColumnExpression(column.name)).alias(column.name) for column in feed.columns]
    return db.table("raw").project((ColumnExpression("rowid") + 1).alias("row_no"), *texts)


def _header(path: Path) -> list[str] | None:
    with path.open("rb") as file:
        line = file.readline(_HEADER_AT_MOST)
    try:
        return next(csv.reader([line.decode().rstrip("\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return None


def _parquet(
    db: DuckDBPyConnection, feed: Feed, path: Path, name: str, faults: Faults
) -> duckdb.DuckDBPyRelation | None:
    found = db.read_parquet(str(path), file_row_number=True)
    columns = dict(zip(found.columns, found.types, strict=True))
    columns.pop("file_row_number", None)
    if not _names_fit(feed, list(columns), name, faults):
        return None
    texts = []
    for column in feed.columns:
        text = _text(column, str(columns[column.name]))
        if text is None:
            faults.add(
                name,
                f"its type {str(columns[column.name]).split('(')[0][:20]} is none for this column",
                None,
                column.name,
            )
        else:
            texts.append(call("filled", text).alias(column.name))
    return found.project((ColumnExpression("file_row_number") + 1).alias("row_no"), *texts)


def _text(column: Column, kind: str) -> Expression | None:
    """How a column of a Parquet file becomes text without loss, null when its type is none for it."""
    text = ColumnExpression(column.name).cast(VARCHAR)
    if kind in ("VARCHAR", '"NULL"') or kind.startswith("ENUM") or _OWN.get(column.kind) == kind:
        return text
    if column.kind == "date" and kind.startswith("TIMESTAMP") and "TIME ZONE" not in kind:
        return call("midnight", text)
    if kind in _WHOLE and column.kind not in _OWN:
        return text
    if column.kind in _NUMERIC and (kind.startswith("DECIMAL") or kind in _BROKEN):
        return call("shortest", text)
    return None


def _names_fit(feed: Feed, header: list[str], name: str, faults: Faults) -> bool:
    wanted, before = [column.name for column in feed.columns], faults.count
    for column in wanted:
        if header.count(column) != 1:
            faults.add(name, "is missing" if column not in header else "is there more than once", None, column)
    extra = sum(column not in wanted for column in header)
    if extra:
        faults.add(name, f"it has {extra} columns that the feed does not have")
    return faults.count == before
