"""Carries rows between DuckDB and PostgreSQL by COPY, a batch at a time."""

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import asyncpg
import duckdb
import pyarrow as pa
from pyarrow import csv

from workers.collection.workspace import Workspace

BATCH = 20_000
AHEAD = 10
"""Batches that are made ready before they are asked for, and that are merged as one part."""

Ready = Callable[[pa.RecordBatch], "asyncio.Future[bytes]"]
"""Begins to make CSV of a batch."""

_CSV = csv.WriteOptions(include_header=False, quoting_style="needed")


async def copy_out(
    connection: asyncpg.Connection, queries: Mapping[str, str], work: Workspace, *arguments: object
) -> None:
    """Writes what each query gives with these arguments into a file that is named after it, for `take_in`."""
    for table, query in queries.items():
        await connection.copy_from_query(query.rstrip("; \n"), *arguments, output=_file(work, table), format="csv")


def take_in(work: Workspace, tables: Iterable[str]) -> None:
    """Puts what was copied out into the DuckDB tables of these names, by position."""
    for table in tables:
        _insert(work, _file(work, table), table)


async def fetch(connection: asyncpg.Connection, queries: Mapping[str, str], work: Workspace) -> None:
    """Both at once."""
    await copy_out(connection, queries, work)
    await work.beside(take_in, work, queries)


def _file(work: Workspace, table: str) -> Path:
    return work.folder / f"{table}.csv"


def _insert(work: Workspace, path: Path, table: str) -> None:
    known = work.db.table(table)
    columns = dict(zip(known.columns, map(str, known.types), strict=True))
    if path.stat().st_size:
        rows = work.db.read_csv(
            str(path), header=False, columns=columns, auto_detect=False, delimiter=",", quotechar='"', escapechar='"'
        )
        rows.insert_into(table)
    path.unlink()


async def batches(
    work: Workspace, rows: duckdb.DuckDBPyRelation, tell: Callable[[int], None]
) -> AsyncIterator[pa.RecordBatch]:
    """The rows in batches, read beside the event loop; `tell` is told how many each had."""
    reader = await work.beside(rows.to_arrow_reader, BATCH)
    while (batch := await work.beside(next, reader, None)) is not None:
        yield batch
        tell(batch.num_rows)


def plainly(batch: pa.RecordBatch) -> "asyncio.Future[bytes]":
    """Begins to make CSV of a batch as it is."""
    return asyncio.ensure_future(asyncio.to_thread(as_csv, batch))


async def lines(found: AsyncIterator[pa.RecordBatch], ready: Ready) -> AsyncGenerator[bytes, None]:
    """The batches as CSV, in their order; some are made ready while PostgreSQL is busy with those before."""
    running: deque[asyncio.Future[bytes]] = deque()
    try:
        async for batch in found:
            running.append(ready(batch))
            if len(running) > AHEAD:
                yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        for one in running:
            one.cancel()


async def put(
    connection: asyncpg.Connection,
    work: Workspace,
    rows: duckdb.DuckDBPyRelation,
    table: str,
    tell: Callable[[int], None],
) -> None:
    """Copies the rows into a staging table with the same column names."""
    await put_lines(connection, lines(batches(work, rows, tell), plainly), table, rows.columns)


async def put_lines(
    connection: asyncpg.Connection, csv_lines: AsyncIterator[bytes], table: str, columns: Sequence[str]
) -> None:
    """Copies CSV into a staging table."""
    await connection.copy_to_table(table, source=csv_lines, columns=columns, format="csv")


async def put_parts(
    connection: asyncpg.Connection, csv_lines: AsyncIterator[bytes], table: str, columns: Sequence[str]
) -> AsyncIterator[None]:
    """Copies CSV into a staging table part by part: after each, the caller merges it and empties the table."""
    following = await anext(csv_lines, None)

    async def part() -> AsyncIterator[bytes]:
        nonlocal following
        for _ in range(AHEAD):
            if following is None:
                return
            yield following
            following = await anext(csv_lines, None)

    while following is not None:
        await put_lines(connection, part(), table, columns)
        yield


def as_csv(batch: pa.RecordBatch) -> bytes:
    """CSV as COPY takes it: null is nothing, the empty text is quoted."""
    out = io.BytesIO()
    csv.write_csv(batch, out, _CSV)
    return out.getvalue()
