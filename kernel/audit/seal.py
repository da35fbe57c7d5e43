"""The audit log's seal (审计日志封存): committed rows are chained by SHA-256, the last hash is anchored outside.

hash = SHA-256(hash before, position, sealing time, every column of the row), each field preceded by its length, times
in microseconds since 1970, jsonb as PostgreSQL prints it. The chain begins with 32 zero bytes.
"""

import asyncio
import datetime
import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct, field

from kernel.audit.anchor import Anchor, Anchored
from kernel.store import clock
from kernel.store.sql import load
from kernel.telemetry import logs, metrics

BATCH = 2000
"""Rows that are sealed in one transaction, and read at a time when verifying."""

ANCHORED_WITHIN = datetime.timedelta(minutes=1)
"""How long a seal may be without an anchor before that is a fault."""

_LOCK = 0x53_45_41_4C  # "SEAL": there is one sealer
_GENESIS = bytes(32)
_FAULTS_KEPT = 20
_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_sql = load(Path(__file__).with_name("seal.sql"))
_log = logs.logger(__name__)


class Sealer:
    """Chains what has been committed; of any number of sealers, one works at a time."""

    def __init__(self, anchor: Anchor) -> None:
        self._anchor, self._compared = anchor, False
        self._failing: datetime.datetime | None = None

    async def seal_once(self, connection: asyncpg.Connection) -> int:
        """Seals one batch and gives its rows: fewer than `BATCH` means that none is left. Raises `Unavailable`.

        The anchor follows the commit; a process killed in between leaves that to the next call of any sealer.
        """
        if not self._compared:
            await self._compare(connection)
        async with connection.transaction():
            rows = await _seal(connection) if await _sql.lock(connection, key=_LOCK) else 0
            last, behind = await _sql.last_seal(connection), await lag(connection)
        metrics.SEALED.inc(rows)
        if last is not None:
            await self._append(last["position"], last["hash"], last["sealed_at"])
        metrics.SEAL_LAG.labels("relay").set(behind)
        return rows

    async def _append(self, position: int, sealed: bytes, at: datetime.datetime) -> None:
        """Anchors a seal; as long as that fails, the lag is the age of the first one that could not be."""
        try:
            await asyncio.to_thread(self._anchor.append, position, sealed, at)
        except Exception:
            self._failing = self._failing or at
            behind = datetime.datetime.now(datetime.UTC) - self._failing
            metrics.SEAL_LAG.labels("relay").set(max(behind.total_seconds(), 0.0))
            raise
        self._failing = None

    async def _compare(self, connection: asyncpg.Connection) -> None:
        """Says so, once, when the chain is not the anchored one; sealing goes on, so that new rows are held."""
        anchored = await asyncio.to_thread(self._anchor.last)
        if anchored and await _sql.hash_at(connection, position=anchored.position) != anchored.hash:
            _log.error(
                "the audit log is not the one that was anchored: run `hexad audit verify`", position=anchored.position
            )
        self._compared = True


async def lag(connection: asyncpg.Connection) -> float:
    """Age in seconds of the oldest row that is not chained."""
    return float(await _sql.lag(connection))


async def _seal(connection: asyncpg.Connection) -> int:
    rows = await _sql.unsealed(connection, size=BATCH)
    if not rows:
        return 0
    last = await _sql.last_seal(connection)
    first, before = (last["position"] + 1, last["hash"]) if last else (1, _GENESIS)
    at, hashes = await clock.now(connection), []
    for position, row in enumerate(rows, start=first):
        before = chained(before, position, at, tuple(row))
        hashes.append(before)
    ids = [int(row[0]) for row in rows]
    positions = list(range(first, first + len(rows)))
    await _sql.seal(connection, positions=positions, audit_ids=ids, hashes=hashes, sealed_at=at)
    await _sql.forget_unsealed(connection, audit_ids=ids)
    return len(rows)


def chained(before: bytes, position: int, sealed_at: datetime.datetime, columns: Sequence[str | None]) -> bytes:
    """The hash of a row at a position of the chain, after the hash `before`."""
    fields = [before, str(position).encode(), str((sealed_at - _EPOCH) // _MICROSECOND).encode()]
    fields += [b"\0" if column is None else b"\1" + column.encode() for column in columns]
    return hashlib.sha256(b"".join([struct.pack(">I", len(one)) + one for one in fields])).digest()


class Fault(Struct, frozen=True):
    """One place where the log is not what was sealed; `position` is null where the fault has none."""

    kind: str
    what: str
    position: int | None = None


class Report(Struct):
    """What `verify` found: rows checked, anchor lines compared, rows that wait for the sealer, the first faults."""

    sealed: int = 0
    anchored: int = 0
    waiting: int = 0
    fault_count: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was altered, added, reordered or cut."""
        return not self.fault_count

    def add(self, kind: str, what: str, position: int | None = None) -> None:
        """Counts a fault and keeps it while they are few."""
        self.fault_count += 1
        if len(self.faults) < _FAULTS_KEPT:
            self.faults.append(Fault(kind, what, position))


async def verify(
    connection: asyncpg.Connection, anchor: Anchor, progress: Callable[[int, int], None] = lambda done, total: None
) -> Report:
    """Reads the log once, up to what is sealed now, in bounded memory, and compares rows, chain and anchor.

    It is read page by page, each with a statement of its own: a snapshot that is held as long as a large log takes
    would keep every queue and table from being tidied. `progress` is told rows done and rows in all.
    """
    report, anchored = Report(), anchor.size()  # before the last seal is looked up: none of these comes later
    seal, report.waiting = await _sql.last_seal(connection), await _sql.waiting_count(connection)
    total = seal["position"] if seal else 0
    chain, marks = _Chain(report), _Marks(report, anchor.lines(anchored))
    while rows := await _sql.chain(connection, after=chain.expected - 1, last=total, size=BATCH):
        for position, audit_id, stored, sealed_at, *columns in rows:
            chain.link(position, audit_id, stored, sealed_at, columns)
            marks.pass_by(position, stored, sealed_at)
        report.sealed += len(rows)
        progress(report.sealed, total)
    chain.end(total)
    marks.end(chain.expected - 1, await clock.now(connection))
    await _compare_listing(connection, report)
    progress(report.sealed, total)
    return report


async def _compare_listing(connection: asyncpg.Connection, report: Report) -> None:
    """Every row was listed for sealing, and every one that is listed is there."""
    after, last = 0, await _sql.last_row(connection)
    while (page := await _sql.never_listed(connection, after=after, last=last, size=BATCH))["upto"] is not None:
        after = page["upto"]
        for audit_id in page["ids"]:
            report.add("never_sealed", f"row {audit_id} was put in beside the log: it was never listed for sealing")
    for (audit_id,) in await _sql.listed_without_row(connection, size=_FAULTS_KEPT):
        report.add("row_missing", f"row {audit_id} was deleted before it was sealed")


class _Chain:
    """Follows the chain seal by seal; after a fault it goes on from the hash that is stored."""

    def __init__(self, report: Report) -> None:
        self._report, self.expected = report, 1
        self._before: bytes | None = _GENESIS
        self._doubt: tuple[int, bytes] | None = None  # a position whose row and seal differ, and the hash of its row

    def link(
        self, position: int, audit_id: int, stored: bytes, sealed_at: datetime.datetime, columns: Sequence[str | None]
    ) -> None:
        if position != self.expected:
            self._missing(position)
        if columns[0] is None:
            self._settle("row")
            self._report.add("row_missing", f"row {audit_id}, sealed at position {position}, is missing", position)
        elif self._before is not None:
            self._compare(position, stored, sealed_at, columns)
        self._before, self.expected = stored, position + 1

    def end(self, last: int) -> None:
        if self.expected <= last:
            self._missing(last + 1)  # they were there when the log was begun to be read
        self._settle("row or its seal")

    def _compare(
        self, position: int, stored: bytes, sealed_at: datetime.datetime, columns: Sequence[str | None]
    ) -> None:
        doubt, before = self._doubt, self._before or _GENESIS
        if doubt and chained(doubt[1], position, sealed_at, columns) == stored:
            self._settle("seal")  # what follows was chained to the row as it is
            return
        self._settle("row")
        computed = chained(before, position, sealed_at, columns)
        if computed != stored:
            self._doubt = (position, computed)

    def _settle(self, what: str) -> None:
        if self._doubt:
            position, self._doubt = self._doubt[0], None
            kind = "seal_altered" if what == "seal" else "row_altered"
            self._report.add(kind, f"the {what} at position {position} was altered or changed places", position)

    def _missing(self, position: int) -> None:
        self._settle("row or its seal")
        self._report.add("seal_missing", f"the seals {self.expected} to {position - 1} are missing", self.expected)
        self._before = None


class _Marks:
    """Walks through the anchor file beside the chain."""

    def __init__(self, report: Report, lines: Iterator[Anchored]) -> None:
        self._report, self._lines = report, lines
        self._furthest = 0
        self._unanchored: tuple[int, datetime.datetime] | None = None
        self._mark = self._next()

    def pass_by(self, position: int, stored: bytes, sealed_at: datetime.datetime) -> None:
        while self._mark and self._mark.position < position:
            self._mark = self._next()
        if self._mark and self._mark.position == position:
            if self._mark.hash != stored:
                self._report.add(
                    "anchor_differs", f"position {position} is not what the anchor file remembers of it", position
                )
            self._mark = self._next()
        elif self._mark is None and self._unanchored is None:
            self._unanchored = (position, sealed_at)

    def end(self, last: int, now: datetime.datetime) -> None:
        while self._mark:
            self._mark = self._next()
        if self._furthest > last:
            self._report.add(
                "tail_cut", f"the log ends at position {last}, it was anchored up to {self._furthest}", last + 1
            )
        if self._unanchored and now - self._unanchored[1] > ANCHORED_WITHIN:
            position = self._unanchored[0]
            self._report.add(
                "anchor_cut",
                f"the anchor file ends before position {position}: it was cut, or the relay has not run since",
                position,
            )

    def _next(self) -> Anchored | None:
        for mark in self._lines:
            if mark.intact and mark.position > self._furthest:
                self._furthest = mark.position
                self._report.anchored += 1
                return mark
            self._report.add("anchor_altered", f"line {mark.number} of the anchor file was altered, or one before cut")
        return None
