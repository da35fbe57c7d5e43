"""Rows cross between DuckDB and PostgreSQL unchanged, nothing and the empty text told apart."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pyarrow as pa

from kernel.settings import Settings
from workers.collection.transfer import AHEAD, as_csv, fetch, lines, plainly, put, put_parts
from workers.collection.workspace import workspace

_VALUES = [(1, "a"), (2, 'quote " and , comma'), (3, "中文\nline"), (4, None)]


async def test_there_and_back(settings: Settings, tmp_path: Path) -> None:
    connection = await asyncpg.connect(settings.database_url)
    with workspace(tmp_path) as work:
        work.db.execute("create table there (number integer, text varchar)")
        work.db.execute("create table back (number integer, text varchar)")
        work.db.execute("create table again (number integer, text varchar)")
        work.db.executemany("insert into there values (?, ?)", _VALUES)
        async with connection.transaction():
            await connection.execute("create temp table staged (number integer, text text) on commit drop")
            told: list[int] = []
            await put(connection, work, work.db.table("there"), "staged", told.append)
            queries = {"back": "select number, text from staged;\n", "again": "select number, text from staged"}
            await fetch(connection, queries, work)
        for table in ("back", "again"):
            assert work.db.table(table).order("number").fetchall() == _VALUES
        assert told == [4]
    await connection.close()


async def test_many_rows_come_in_parts_that_are_merged_one_by_one(settings: Settings) -> None:
    async def batches() -> AsyncIterator[pa.RecordBatch]:
        for number in range(2 * AHEAD + 1):
            yield pa.RecordBatch.from_pydict({"number": [number]})

    connection = await asyncpg.connect(settings.database_url)
    merged: list[list[int]] = []
    async with connection.transaction():
        await connection.execute("create temp table staged (number integer) on commit drop")
        async for _ in put_parts(connection, lines(batches(), plainly), "staged", ["number"]):
            merged.append([row["number"] for row in await connection.fetch("select number from staged")])
            await connection.execute("truncate staged")
    assert [len(part) for part in merged] == [AHEAD, AHEAD, 1]
    assert [number for part in merged for number in part] == list(range(2 * AHEAD + 1))
    await connection.close()


def test_nothing_and_the_empty_text_differ() -> None:
    assert as_csv(pa.RecordBatch.from_pydict({"a": [None, ""], "b": ["x", "y"]})) == b',"x"\n"","y"\n'
