"""Writes deliveries as a source system would, right or wrong, and asks the database what became of them."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq

from kernel.settings import Settings
from workers.collection.column import FEEDS
from workers.collection.ingest import ingest

Row = Mapping[str, str]
DAY = "2026-11-20"
ID_NO = "110101199003070011"

PLAIN: dict[str, dict[str, str]] = {
    "branch": {"branch_code": "B1", "name": "人民路营业部", "region_code": "R1", "region_name": "华东"},
    "employee": {
        "employee_no": "E1", "name": "王伟", "branch_code": "B1", "team_code": "T1", "position": "broker",
        "licence_kind": "securities_broker", "licence_no": "S1", "licence_valid_to": "2030-01-01",
        "mobile": "13800138000", "email": "e1@hexad.example", "hired_on": "2015-06-01", "left_on": "",
    },
    "customer": {
        "customer_no": "C1", "name": "李娜", "kind": "individual", "id_kind": "identity_card", "id_no": ID_NO,
        "mobile": "13900139000", "email": "c1@example.com", "gender": "female", "birthday": "1990-03-07",
        "branch_code": "B1", "opened_on": "2020-01-02", "closed_on": "", "status": "normal", "risk_level": "3",
        "risk_assessed_on": "2025-05-05", "investor_kind": "ordinary",
    },
    "account": {
        "account_no": "A1", "customer_no": "C1", "kind": "cash", "custodian_bank": "工商银行",
        "opened_on": "2020-01-02", "closed_on": "", "status": "normal",
    },
    "relation": {
        "customer_no": "C1", "employee_no": "E1", "kind": "service", "share": "1.0000", "valid_from": "2020-01-02",
        "valid_to": "",
    },
}  # fmt: skip
"""One right row of each feed of the systems that know customers and people."""

OF_ADVISORY: dict[str, dict[str, str]] = {
    "product": {
        "product_code": "P1", "name": "稳健组合", "category": "advisory", "risk_level": "3", "price": "1200.0000",
        "period_days": "365", "status": "on",
    },
    "contract": {
        "contract_no": "K1", "customer_no": "C1", "product_code": "P1", "kind": "advisory", "signed_on": "2026-01-05",
        "ended_on": "",
    },
    "questionnaire": {
        "customer_no": "C1", "time": "09:30:00", "score": "55", "risk_level": "3", "expires_on": "2028-11-20",
    },
}  # fmt: skip
"""One right row of each feed of the advisory platform."""


def row(feed: str, **changes: str) -> dict[str, str]:
    """A right row with these values instead."""
    return {**(PLAIN | OF_ADVISORY)[feed], **changes}


def a_day(**feeds: Sequence[Row]) -> dict[str, Sequence[Row]]:
    """One row of every feed, with these feeds instead."""
    return {**{feed: [plain] for feed, plain in PLAIN.items()}, **feeds}


def as_csv(rows: Sequence[Row], feed: str) -> bytes:
    """CSV as a library writes it."""
    names = [column.name for column in FEEDS[feed].columns]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_parquet(rows: Sequence[Row], feed: str, **types: pa.DataType) -> bytes:
    """Parquet with these types, text and days where nothing is said."""
    columns = {}
    for column in FEEDS[feed].columns:
        texts = pa.array([one[column.name] or None for one in rows], pa.string())
        columns[column.name] = texts.cast(types.get(column.name, pa.date32() if column.kind == "date" else pa.string()))
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


class Maker:
    """The folder of all deliveries of a test."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def deliver(
        self,
        feeds: Mapping[str, Sequence[Row]],
        day: str = DAY,
        source: str = "counter",
        form: str = "csv",
        **more: Any,
    ) -> Path:
        """Writes a delivery of right or wrong rows with a manifest that fits it."""
        encode = {"csv": as_csv, "csv.gz": _as_gzip, "parquet": as_parquet}[form]
        files = {feed: (f"{feed}.{form}", encode(rows, feed), len(rows)) for feed, rows in feeds.items()}
        return self.files(files, day, source, **more)

    def files(
        self, files: Mapping[str, tuple[str, bytes, int]], day: str = DAY, source: str = "counter", **more: Any
    ) -> Path:
        """Writes a delivery of these bytes; the manifest says so many rows."""
        folder = self.root / day / source
        folder.mkdir(parents=True, exist_ok=True)
        entries = {}
        for feed, (name, content, rows) in files.items():
            (folder / name).write_bytes(content)
            entries[feed] = {"file": name, "rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        manifest = {"day": day, "source": source, "feeds": entries, **more}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder


def _as_gzip(rows: Sequence[Row], feed: str) -> bytes:
    return gzip.compress(as_csv(rows, feed))


async def take(settings: Settings, folder: Path) -> tuple[bool, str]:
    """Ingests; gives whether all was good, and the report."""
    said: list[str] = []
    good = await ingest(settings, folder, said.append, lambda done, total: None)
    return good, "\n".join(said)


async def rows(settings: Settings, query: str, *args: object) -> list[tuple[Any, ...]]:
    """What a query gives to somebody who sees every row."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("select set_config('hexad.scope', 'company', true)")
            return [tuple(one) for one in await connection.fetch(query, *args)]
    finally:
        await connection.close()


async def counts(settings: Settings) -> dict[str, int]:
    """How many rows there are of each feed."""
    tables = ("employee", "customer", "account", "relation", "delivery")
    found = {table: (await rows(settings, f"select count(*) from {table}"))[0][0] for table in tables}
    found["branch"] = (await rows(settings, "select count(*) from unit where kind = 'branch'"))[0][0]
    return found
