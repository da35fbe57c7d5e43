"""SQL in named files (aiosql), run by asyncpg: lists are fetched whole, contract Structs built by position."""

import re
from pathlib import Path
from typing import Any

import aiosql
from aiosql.adapters.asyncpg import AsyncPGAdapter

from kernel.errors import Misconfigured
from kernel.store.tx import Tx

_RECORD_CLASS = re.compile(r"^-- name:.*\n-- record_class: (\w+)$", re.MULTILINE)


class _Adapter(AsyncPGAdapter):
    is_aio_driver = False  # our methods are coroutines already; aiosql need not wrap them into generators

    async def select(self, conn: Tx, name: str, sql: str, args: Any, record_class: Any = None) -> list[Any]:
        rows = await conn.fetch(sql, *self.maybe_order_params(name, args))
        return [record_class(*row) for row in rows] if record_class else rows

    async def select_one(self, conn: Tx, name: str, sql: str, args: Any, record_class: Any = None) -> Any:
        row = await conn.fetchrow(sql, *self.maybe_order_params(name, args))
        return record_class(*row) if row is not None and record_class else row

    async def select_value(self, conn: Tx, name: str, sql: str, args: Any) -> Any:
        return await conn.fetchval(sql, *self.maybe_order_params(name, args))

    async def insert_update_delete(self, conn: Tx, name: str, sql: str, args: Any) -> int:
        status = await conn.execute(sql, *self.maybe_order_params(name, args))
        return int(status.rsplit(" ", 1)[-1])

    async def insert_update_delete_many(self, conn: Tx, name: str, sql: str, args: Any) -> None:
        await conn.executemany(sql, [self.maybe_order_params(name, one) for one in args])


def load(path: Path, *records: type) -> Any:
    """The queries of one `.sql` file; a `-- record_class:` names one of `records`, whose fields follow the columns.

    Raises `Misconfigured` for one that names no record or does not stand right below `-- name:`: aiosql is silent then.
    """
    classes, text = {record.__name__: record for record in records}, path.read_text()
    named = _RECORD_CLASS.findall(text)
    if len(named) != text.count("-- record_class:") or not classes.keys() >= set(named):
        raise Misconfigured(f"{path.name}: a record_class is not right below its name, or not among {sorted(classes)}")
    return aiosql.from_path(path, _Adapter, record_classes=classes)
