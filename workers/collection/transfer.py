"""Carries rows between DuckDB and PostgreSQL by COPY, a batch at a time."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import asyncpg
import duckdb
import pyarrow as pa
from pyarrow import csv

from workers.collection.workspace import Workspace

BATCH = 20_000
_CSV = csv.WriteOptions(include_header=False, quoting_style="needed")


async def fetch(connection: asyncpg.Connection, query: str, work: Workspace, table: str) -> None:
    """Puts what the query gives into the DuckDB table, by position; its rows are there already then."""
    path = work.folder / f"{table}.csv"
    await connection.copy_from_query(query.rstrip("; \n"), output=path, format="csv")
    await asyncio.to_thread(_insert, work, path, table)


def _insert(work: Workspace, path: Path, table: str) -> None:
    known = work.db.table(table)
    columns = dict(zip(known.columns, map(str, known.types), strict=True))
    if path.stat().st_size:
        rows = work.db.read_csv(
            str(path), header=False, columns=columns, auto_detect=False, delimiter=",", quotechar='"', escapechar='"'
        )
        rows.insert_into(table)
    path.unlink()


async def batches(rows: duckdb.DuckDBPyRelation, tell: Callable[[int], None]) -> AsyncIterator[pa.RecordBatch]:
    """The rows in batches, read beside the event loop; `tell` is told how many each had."""
    reader = await asyncio.to_thread(rows.to_arrow_reader, BATCH)
    while (batch := await asyncio.to_thread(next, reader, None)) is not None:
        yield batch
        tell(batch.num_rows)


async def put(
    connection: asyncpg.Connection, rows: duckdb.DuckDBPyRelation, table: str, tell: Callable[[int], None]
) -> None:
    """Copies the rows into a staging table with the same column names."""

    async def lines() -> AsyncIterator[bytes]:
        async for batch in batches(rows, tell):
            yield await asyncio.to_thread(as_csv, batch)

    await put_lines(connection, lines(), table, rows.columns)


async def put_lines(
    connection: asyncpg.Connection, lines: AsyncIterator[bytes], table: str, columns: Sequence[str]
) -> None:
    """Copies CSV into a staging table."""
    await connection.copy_to_table(table, source=lines, columns=columns, format="csv")


def as_csv(batch: pa.RecordBatch) -> bytes:
    """CSV as COPY takes it: null is nothing, the empty text is quoted."""
    out = io.BytesIO()
    csv.write_csv(batch, out, _CSV)
    return out.getvalue()
