"""Writes the made-up brokerage as deliveries: one folder per day and source, a file per feed, a manifest."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from hexad.demo import advisory, people
from hexad.demo.brokerage import Brokerage
from hexad.demo.customers import Customers

Format = Literal["csv", "csv.gz", "parquet"]
CHUNK = 200_000
"""Customers that are made at a time."""

_BIG: dict[str, Callable[[Customers], pa.Table]] = {
    "customer": Customers.customer,
    "account": Customers.account,
    "relation": Customers.relation,
}
_OF_ADVISORY: dict[str, Callable[[Customers], pa.Table]] = {
    "contract": advisory.contract,
    "questionnaire": advisory.questionnaire,
}


def write(
    brokerage: Brokerage,
    out: Path,
    form: Format | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Path]:
    """Writes every day, in `form` or else Parquet for what is big and CSV for the rest; gives each delivery's folder.

    `progress` is told rows of customers done and in all.
    """
    total = sum(brokerage.customers_on(number) for number in range(len(brokerage.days)))
    done = 0
    for number, day in enumerate(brokerage.days):
        folder = out / day.isoformat()
        yield _delivery(
            folder / "hr",
            {"employee": _file(folder / "hr" / "employee", form or "csv", [people.employee(brokerage, number)])},
        )
        counter = folder / "counter"
        feeds = {"branch": _file(counter / "branch", form or "csv", [people.branch(brokerage)])}
        tell = partial(_tell, progress, done, total)
        platform = folder / "advisory"
        made = _big(brokerage, number, (counter, platform), form or "parquet", tell)
        feeds |= made["counter"]
        done += brokerage.customers_on(number)
        yield _delivery(counter, feeds)
        products = _file(platform / "product", form or "csv", [advisory.product(brokerage, number)])
        yield _delivery(platform, {"product": products, **made["advisory"]})


def _tell(progress: Callable[[int, int], None], before: int, total: int, more: int) -> None:
    progress(before + more, total)


def _big(
    brokerage: Brokerage, number: int, folders: tuple[Path, Path], form: Format, tell: Callable[[int], None]
) -> dict[str, dict[str, dict[str, object]]]:
    """The feeds about customers, of the counter and of the advisory platform, written side by side."""
    makers = [(folder, feed, make) for folder, feeds in zip(folders, (_BIG, _OF_ADVISORY), strict=True)
              for feed, make in feeds.items()]  # fmt: skip
    files = {feed: _Writer(folder / feed, form) for folder, feed, _ in makers}
    count = brokerage.customers_on(number)
    for first in range(0, count, CHUNK):
        end = min(first + CHUNK, count)
        customers = Customers(brokerage, number, first, end)
        for _, feed, make in makers:
            files[feed].write(make(customers))
        tell(end)
    written: dict[str, dict[str, dict[str, object]]] = {folder.name: {} for folder in folders}
    for folder, feed, _ in makers:
        written[folder.name][feed] = files[feed].close()
    return written


def _file(stem: Path, form: Format, tables: Iterable[pa.Table]) -> dict[str, object]:
    writer = _Writer(stem, form)
    for table in tables:
        writer.write(table)
    return writer.close()


class _Writer:
    """One file of a delivery; `close` gives its entry in the manifest."""

    def __init__(self, stem: Path, form: Format) -> None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._form, self._rows = stem.with_name(f"{stem.name}.{form}"), form, 0
        self._to: pa_csv.CSVWriter | pa_parquet.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Adds rows."""
        if self._to is None:
            plain = self._path.with_suffix("") if self._form == "csv.gz" else self._path
            if self._form == "parquet":
                self._to = pa_parquet.ParquetWriter(plain, table.schema, compression="zstd", compression_level=1)
            else:
                self._to = pa_csv.CSVWriter(
                    plain, table.schema, write_options=pa_csv.WriteOptions(quoting_style="needed")
                )
        self._to.write_table(table)
        self._rows += len(table)

    def close(self) -> dict[str, object]:
        """Finishes the file: its name, rows and SHA-256."""
        assert self._to
        self._to.close()
        if self._form == "csv.gz":
            _compress(self._path.with_suffix(""), self._path)
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": self._path.name, "rows": self._rows, "sha256": digest}


def _compress(plain: Path, packed: Path) -> None:
    """Gzip without the time of day or a file name in it."""
    with (
        plain.open("rb") as source,
        packed.open("wb") as target,
        gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=3, mtime=0) as stream,
    ):
        shutil.copyfileobj(source, stream, 1 << 20)
    plain.unlink()


def _delivery(folder: Path, feeds: dict[str, dict[str, object]]) -> Path:
    manifest = {"day": folder.parent.name, "source": folder.name, "demo": True, "feeds": feeds}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return folder
