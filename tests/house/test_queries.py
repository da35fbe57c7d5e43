"""Every named query is prepared against the real schema, its columns are its Struct's fields, its scope is stated."""

import ast
import importlib
import re
import types
import typing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from kernel.store.database import Tx
from kernel.store.sql import load
from tests.house.test_files import PACKAGES, ROOT, tracked

POSTGRES_TYPES: dict[str, type] = {
    "bool": bool, "bytea": bytes, "date": date, "float4": float, "float8": float, "int2": int, "int4": int,
    "int8": int, "interval": object, "json": str, "jsonb": str, "numeric": Decimal, "text": str, "time": time,
    "timestamp": datetime, "timestamptz": datetime, "uuid": UUID, "varchar": str, "name": str,
}  # fmt: skip


class Query(msgspec.Struct, frozen=True):
    """One named query as it stands in its file."""

    path: Path
    name: str
    sql: str
    comment: str
    record: str | None

    @property
    def id(self) -> str:
        """Where it stands."""
        return f"{self.path.relative_to(ROOT)}:{self.name}" if self.path.is_relative_to(ROOT) else self.name


def queries_in(path: Path) -> list[Query]:
    """The queries of one file, with asyncpg's parameters."""
    text = path.read_text()
    names = re.findall(r"^-- name:\s*(\w+)", text, re.MULTILINE)
    records = {
        block.split("(")[0].strip(" \n^!$*<>#").split()[0]: match[1]
        for block in re.split(r"^-- name:", text, flags=re.MULTILINE)[1:]
        if (match := re.search(r"^-- record_class:\s*(\w+)", block, re.MULTILINE))
    }
    loaded = load(path, *[type(record, (), {}) for record in set(records.values())])
    comments = dict(zip(names, re.split(r"^-- name:.*$", text, flags=re.MULTILINE)[1:], strict=True))
    return [Query(path, one, getattr(loaded, one).sql, comments[one], records.get(one)) for one in names]


QUERY_FILES = [
    path for path in tracked(".sql") if path.relative_to(ROOT).parts[0] in PACKAGES and "-- name:" in path.read_text()
]
DUCKDB = ".duckdb.sql"
"""Statements of the loader's own DuckDB, which its tests run."""

ALL = [query for path in QUERY_FILES for query in queries_in(path)]


def fits(postgres_type: str, hint: Any) -> bool:
    """Whether a column of this type can fill a field with this annotation."""
    if typing.get_origin(hint) is typing.Annotated:
        return fits(postgres_type, typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(fits(postgres_type, one) for one in typing.get_args(hint) if one is not types.NoneType)
    if typing.get_origin(hint) is typing.Literal:
        return postgres_type in ("text", "varchar")
    if typing.get_origin(hint) in (list, frozenset, tuple):
        return postgres_type.endswith("[]") and fits(postgres_type[:-2], typing.get_args(hint)[0])
    return isinstance(hint, type) and issubclass(hint, POSTGRES_TYPES.get(postgres_type, types.NoneType))


def differences(columns: list[tuple[str, str]], record: type[msgspec.Struct]) -> list[str]:
    """Where columns (name, PostgreSQL type) and the Struct that they fill by position are not the same."""
    hints = typing.get_type_hints(record, include_extras=True)
    fields = [field.name for field in msgspec.structs.fields(record)]
    if [name for name, _ in columns] != fields:
        return [f"columns {[name for name, _ in columns]} fill fields {fields}"]
    return [f"{name} is {kind}, not {hints[name]}" for name, kind in columns if not fits(kind, hints[name])]


def stages(query: Query) -> list[Query]:
    """The queries of the same file that make the temporary tables which the others use."""
    return [one for one in ALL if one.path == query.path and one.name.startswith("stage_")]


def record_of(query: Query) -> type[msgspec.Struct]:
    """The Struct class that the query's module gives to its rows."""
    module = importlib.import_module(".".join(query.path.relative_to(ROOT).with_suffix("").parts))
    record: type[msgspec.Struct] = getattr(module, query.record or "")
    return record


def unscoped(query: Query, source: str, scoped_tables: set[str]) -> str | None:
    """What is missing when a query touches a scoped table and neither its caller takes a Scope nor it says why not."""
    tables = {table for table in scoped_tables if re.search(rf"\b{table}\b", query.sql)}
    if not tables:
        return None
    if re.search(r"^-- scope: none, \w.{8,}", query.comment, re.MULTILINE):
        return None
    for holder in ast.walk(ast.parse(source)):
        if not isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        text = ast.unparse(holder)
        if re.search(rf"\b_sql\.{query.name}\b", text) and re.search(r"\bscope: Scope\b", text):
            return None
    return f"{query.id} reads {sorted(tables)} without a Scope"


@pytest.mark.parametrize("query", ALL, ids=lambda query: query.id)
async def test_the_query_fits_the_schema_and_its_struct(tx: Tx, query: Query) -> None:
    for stage in stages(query):
        await tx.execute(stage.sql)
    if query in stages(query):
        return
    prepared = await typing.cast("asyncpg.Connection", tx).prepare(query.sql)
    if query.record:
        columns = [(column.name, column.type.name) for column in prepared.get_attributes()]
        assert differences(columns, record_of(query)) == []


async def test_every_query_on_a_scoped_table_has_its_scope(tx: Tx) -> None:
    rows = await tx.fetch("select relname from pg_class where relforcerowsecurity")
    scoped = {row[0] for row in rows}
    assert scoped
    missing = [unscoped(query, query.path.with_suffix(".py").read_text(), scoped) for query in ALL]
    assert [one for one in missing if one] == []


async def test_row_level_security_is_never_enabled_without_force(tx: Tx) -> None:
    rows = await tx.fetch("select relname from pg_class where relrowsecurity <> relforcerowsecurity")
    assert [row[0] for row in rows] == []


@pytest.mark.parametrize("path", QUERY_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_record_class_stands_where_the_loader_reads_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    named = [number for number, line in enumerate(lines) if line.startswith("-- record_class:")]
    assert all(lines[number - 1].startswith("-- name:") for number in named)


def test_every_sql_file_is_checked() -> None:
    others = {
        str(path.relative_to(ROOT))
        for path in tracked(".sql")
        if path not in QUERY_FILES and "schema" not in path.parts and not path.name.endswith(DUCKDB)
    }
    assert others == {"hexad/bootstrap.sql"}
    assert len(ALL) > 10


class _Wrong(msgspec.Struct):
    number: int
    name: str


async def test_a_wrong_query_and_a_wrong_struct_are_found(tx: Tx, tmp_path: Path) -> None:
    path = tmp_path / "wrong.sql"
    path.write_text(
        "-- name: a()\nselect number from migration_;\n\n-- name: b()\nselect name, number from migration;\n"
    )
    missing, swapped = queries_in(path)
    with pytest.raises(asyncpg.UndefinedTableError):
        async with tx.transaction():
            await typing.cast("asyncpg.Connection", tx).prepare(missing.sql)
    prepared = await typing.cast("asyncpg.Connection", tx).prepare(swapped.sql)
    columns = [(column.name, column.type.name) for column in prepared.get_attributes()]
    assert differences(columns, _Wrong)
    assert differences([("number", "text"), ("name", "text")], _Wrong) == ["number is text, not <class 'int'>"]


def test_a_query_that_forgets_its_scope_is_found(tmp_path: Path) -> None:
    path = tmp_path / "forgets.sql"
    path.write_text("-- name: everything()\nselect body from idempotency;\n")
    (query,) = queries_in(path)
    without = "async def everything(tx: Tx):\n    return await _sql.everything(tx)\n"
    with_scope = "async def everything(tx: Tx, scope: Scope):\n    return await _sql.everything(tx)\n"
    assert unscoped(query, without, {"idempotency"})
    assert unscoped(query, with_scope, {"idempotency"}) is None
    assert unscoped(query, without, {"customer"}) is None
