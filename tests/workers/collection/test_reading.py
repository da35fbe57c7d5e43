"""Files become rows of text, or faults that name the row and never a value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.workers.collection.maker import as_csv, as_parquet, row
from workers.collection.column import FEEDS
from workers.collection.fault import Faults
from workers.collection.reading import damage, rows_of
from workers.collection.workspace import Workspace, workspace


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of the test's own."""
    with workspace(tmp_path / "var") as made:
        yield made


def read(work: Workspace, content: bytes, feed: str, form: str = "csv") -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of such a file, and its faults."""
    path, faults = work.folder / f"{feed}.{form}", Faults()
    path.write_bytes(content)
    named: list[dict[str, Any]] = []
    with damage(path.name, faults):
        found = rows_of(work.db, FEEDS[feed], path, path.name, faults)
        if found is not None:
            named = [dict(zip(found.columns, one, strict=True)) for one in found.fetchall()]
    return named, faults.report()


def test_csv_becomes_text_and_empty_is_nothing(work: Workspace) -> None:
    content = b'name,"branch_code",region_name,region_code\n"a ""b"", c",B1,,"R1"\n"",B2,x,R1\n'
    rows, faults = read(work, content, "branch")
    assert faults == []
    assert [(one["row_no"], one["name"], one["region_name"]) for one in rows] == [(1, 'a "b", c', None), (2, None, "x")]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"branch_code,name,region_code\nB1,x,R1\n", "branch.csv column region_name: is missing"),
        (b"branch_code,name,region_code,region_name,more\n", "it has 1 columns that the feed does not have"),
        (b"branch_code,name,name,region_code,region_name\n", "branch.csv column name: is there more than once"),
        (b"branch_code,name,region_code,region_name\nB1,x,R1\n", "branch.csv row 1"),
        (b"branch_code,name,region_code,region_name\nB1,x,R1,y\nB2,x,R1,y,z\n", "branch.csv row 2"),
        (b"branch_code,name,region_code,region_name\nB1,x\xff,R1,y\n", "is not UTF-8"),
        (b"branch_code,name,region_code,region_name\nB1," + b"x" * 3_000_000 + b",R1,y\n", "is too long"),
        (b"branch_code,name\xff,region_code,region_name\n", "its header is no row of column names"),
    ],
)
def test_wrong_csv_is_told_by_row_or_column(work: Workspace, content: bytes, fault: str) -> None:
    rows, faults = read(work, content, "branch")
    assert rows == []
    assert fault in faults[0]
    assert not any("x" * 5 in one for one in faults)


def test_a_header_alone_has_no_rows(work: Workspace) -> None:
    assert read(work, as_csv([], "branch"), "branch") == ([], [])


def test_parquet_gives_the_same_text_as_csv(work: Workspace) -> None:
    rows = [row("relation", share="0.5000"), row("relation", share="1.0000", valid_to="2026-01-01")]
    plain = read(work, as_csv(rows, "relation"), "relation")
    typed = read(work, as_parquet(rows, "relation", share=pa.decimal128(18, 8)), "relation", "parquet")
    assert [one["share"] for one in typed[0]] == ["0.5", "1"]
    for one in (*plain[0], *typed[0]):
        one.pop("share")
    assert plain == typed


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"share": pa.float64()}, "0.3"),
        ({"share": pa.decimal128(5, 4)}, "0.3"),
        ({"share": pa.string()}, "0.3000"),
    ],
)
def test_numbers_of_parquet_lose_nothing(work: Workspace, types: dict[str, pa.DataType], expected: str) -> None:
    content = as_parquet([row("relation", share="0.3000")], "relation", **types)
    rows, faults = read(work, content, "relation", "parquet")
    assert faults == []
    assert rows[0]["share"] == expected


@pytest.mark.parametrize("types", [{"valid_from": pa.timestamp("us")}, {"valid_from": pa.string()}])
def test_days_of_parquet_may_be_midnights_or_text(work: Workspace, types: dict[str, pa.DataType]) -> None:
    rows, faults = read(work, as_parquet([row("relation")], "relation", **types), "relation", "parquet")
    assert (faults, rows[0]["valid_from"]) == ([], "2020-01-02")


def test_a_type_that_does_not_fit_is_a_fault_of_the_column(work: Workspace) -> None:
    content = as_parquet([row("branch")], "branch", name=pa.binary())
    assert read(work, content, "branch", "parquet")[1] == [
        "branch.parquet column name: its type BLOB is none for this column"
    ]


def test_a_damaged_parquet_is_one_fault(work: Workspace) -> None:
    content = as_parquet([row("branch")], "branch")
    for broken in (content[:-10], b"PAR1", content[:100] + b"\xff" * 40 + content[140:]):
        rows, faults = read(work, broken, "branch", "parquet")
        assert rows == [] or faults == []
        assert len(faults) <= 1
