"""Rows cross between DuckDB and PostgreSQL unchanged, nothing and the empty text told apart."""

from pathlib import Path

import asyncpg
import pyarrow as pa

from kernel.settings import Settings
from workers.collection.transfer import as_csv, fetch, put
from workers.collection.workspace import workspace

_VALUES = [(1, "a"), (2, 'quote " and , comma'), (3, "中文\nline"), (4, None)]


async def test_there_and_back(settings: Settings, tmp_path: Path) -> None:
    connection = await asyncpg.connect(settings.database_url)
    with workspace(tmp_path) as work:
        work.db.execute("create table there (number integer, text varchar)")
        work.db.execute("create table back (number integer, text varchar)")
        work.db.executemany("insert into there values (?, ?)", _VALUES)
        async with connection.transaction():
            await connection.execute("create temp table staged (number integer, text text) on commit drop")
            told: list[int] = []
            await put(connection, work.db.table("there"), "staged", told.append)
            await fetch(connection, "select number, text from staged;\n", work, "back")
        assert work.db.table("back").order("number").fetchall() == _VALUES
        assert told == [4]
    await connection.close()


def test_nothing_and_the_empty_text_differ() -> None:
    assert as_csv(pa.RecordBatch.from_pydict({"a": [None, ""], "b": ["x", "y"]})) == b',"x"\n"","y"\n'
