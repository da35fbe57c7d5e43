"""Seals the personal data of delivered rows: encrypted, masked and indexed, a batch at a time, in several processes."""

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa

from kernel.errors import InvalidInput
from kernel.security.crypto import BlindIndex, Fields
from kernel.settings import Settings
from kernel.text import personal
from workers.collection.transfer import Ready, as_csv

Field = Literal["mobile", "id_no"]
Table = Literal["customer", "employee"]
FIELDS: dict[Table, tuple[Field, ...]] = {"customer": ("mobile", "id_no"), "employee": ("mobile",)}
_NORMAL: dict[Field, Callable[[str], str]] = {"mobile": personal.mobile, "id_no": personal.id_no}
_MASKS: dict[Field, Callable[[str], str]] = {"mobile": personal.mask_mobile, "id_no": personal.mask_id_no}
_PROCESSES_AT_MOST = 4
_WORTH_IT = 200_000
"""Rows from which on other processes help: starting them takes as long as sealing so many."""


class Sealer:
    """Turns columns in clear into three each: sealed, `_mask` and `_index`, bytes in PostgreSQL's hexadecimal form."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when a key is missing."""
        self._fields, self._index = Fields(settings), BlindIndex(settings)

    def seal(self, batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
        """The rows with the fields of the table sealed; the other columns stay as they are."""
        keys = batch.column(f"{table}_no").to_pylist()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        for field in FIELDS[table]:
            columns |= self._column(table, field, keys, columns[field])
        return pa.RecordBatch.from_pydict(columns)

    def _column(self, table: Table, field: Field, keys: list[str], clear: pa.Array) -> dict[str, pa.Array]:
        there = [
            (key, normal(field, text)) for key, text in zip(keys, clear.to_pylist(), strict=True) if text is not None
        ]
        rows, texts, mask = [key for key, _ in there], [text for _, text in there], _MASKS[field]
        sealed = self._fields.seal_column(texts, table, field, rows)
        parts = {
            field: [f"\\x{one.hex()}" for one in sealed],
            f"{field}_mask": [mask(text) for text in texts],
            f"{field}_index": [f"\\x{self._index.of_normal(field, text).hex()}" for text in texts],
        }
        return {name: _spread(values, clear) for name, values in parts.items()}


def _spread(values: list[str], beside: pa.Array) -> pa.Array:
    """The values where `beside` has one, null where it has none."""
    if not beside.null_count:
        return pa.array(values, pa.string())
    following = iter(values)
    return pa.array([next(following) if one else None for one in beside.is_valid().to_pylist()], pa.string())


def normal(field: Field, text: str) -> str:
    """The normal form of a value that was checked; a document other than an identity card keeps its own."""
    if field == "mobile" and len(text) == 11 and text.isascii():
        return f"+86{text}"
    if field == "id_no" and text.isascii() and text.isalnum() and text == text.upper():
        return text
    try:
        return _NORMAL[field](text)
    except InvalidInput:
        return text.strip().upper()


class Sealers:
    """As many processes as there are processors, started when there is enough to seal."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when a key is missing."""
        self._settings, self._here = settings, Sealer(settings)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def ready(self, table: Table, rows: int) -> Ready:
        """What seals batches of the table, of so many rows in all, and makes CSV of them."""
        if rows < _WORTH_IT:
            return lambda batch: asyncio.ensure_future(asyncio.to_thread(_sealed, self._here, batch, table))
        pool = self._pool = self._pool or _pool(self._settings)
        return lambda batch: asyncio.wrap_future(pool.submit(_seal_here, batch, table))


def _pool(settings: Settings) -> ProcessPoolExecutor:
    processes = min(_PROCESSES_AT_MOST, os.cpu_count() or 1)
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(settings,))


_sealer: Sealer | None = None


def _begin(settings: Settings) -> None:
    global _sealer  # noqa: PLW0603  # one per process of the pool, which has no other place for it
    os.nice(5)
    _sealer = Sealer(settings)


def _seal_here(batch: pa.RecordBatch, table: Table) -> bytes:
    assert _sealer
    return _sealed(_sealer, batch, table)


def _sealed(sealer: Sealer, batch: pa.RecordBatch, table: Table) -> bytes:
    return as_csv(sealer.seal(batch, table))
