"""The anchor of the audit log: a file outside the database that remembers how far the chain had come, and its hash.

One line for every batch: `position hash time check`. `check` covers the line and the check of the line before, so that
a line that was changed, taken out or put in is seen. A last line without its end is a crash in mid-write: it is as if
it had never been begun.
"""

import datetime
import fcntl
import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from kernel.errors import Unavailable
from kernel.settings import Settings

_LINE_AT_MOST = 200
LOCK_SECONDS = 5.0


class Anchored(Struct, frozen=True):
    """One line: at this position the chain had this hash; `intact` says whether the line is as it was written."""

    number: int
    position: int
    hash: bytes
    intact: bool


class Anchor:
    """The file; it is only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, position: int, chained: bytes, at: datetime.datetime) -> bool:
        """Writes and syncs a line, unless the file is that far already; raises `Unavailable` when it cannot."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = not self.path.exists()
            with self.path.open("a+b") as file:
                self._lock(file.fileno())
                last, check = _tail(file.fileno())
                if position <= last:
                    return False
                said = f"{position} {chained.hex()} {at.isoformat()}"
                file.write(f"{said} {_check(check, said)}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise Unavailable(
                f"the anchor of the audit log cannot be written ({error.strerror}): make {self.path} writable,"
                " or set HEXAD_AUDIT_ANCHOR"
            ) from error
        return True

    def _lock(self, file: int) -> None:
        """Waits for whoever else appends, a moment; raises `Unavailable` when the file stays locked."""
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise Unavailable(
                        f"the anchor of the audit log is locked by another process: end what holds {self.path}"
                    ) from error
                time.sleep(0.02)
            else:
                return

    def size(self) -> int:
        """Bytes that are in the file now."""
        return self.path.stat().st_size if self.path.exists() else 0

    def lines(self, size: int | None = None) -> Iterator[Anchored]:
        """Every whole line of the first `size` bytes, or of all, in order, altered ones marked."""
        if not self.path.exists():
            return
        check, left = "", self.size() if size is None else size
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                left -= len(raw)
                if raw.endswith(b"\n") and left >= 0:
                    line, check = _parsed(number, raw, check)
                    yield line

    def last(self) -> Anchored | None:
        """The last whole line, null when there is none."""
        return next(iter(deque(self.lines(), maxlen=1)), None)


def anchor(settings: Settings) -> Anchor:
    """The anchor file that the settings name, by default `<var>/audit.anchor`."""
    return Anchor(Path(settings.audit_anchor) if settings.audit_anchor else settings.var / "audit.anchor")


def _parsed(number: int, raw: bytes, before: str) -> tuple[Anchored, str]:
    said, _, check = raw[:-1].decode(errors="replace").rpartition(" ")
    try:
        position, chained, _ = said.split(" ")
        intact = _check(before, said) == check
        return Anchored(number, int(position), bytes.fromhex(chained), intact), check
    except ValueError:
        return Anchored(number, 0, b"", intact=False), check


def _tail(file: int) -> tuple[int, str]:
    """Position and check of the last whole line; what a crash left after it is cut off."""
    size = os.fstat(file).st_size
    end = os.pread(file, 2 * _LINE_AT_MOST, max(0, size - 2 * _LINE_AT_MOST))
    whole = end[: end.rfind(b"\n") + 1]
    if len(whole) < len(end):
        os.ftruncate(file, size - len(end) + len(whole))
    if not whole:
        return 0, ""
    line, check = _parsed(0, whole[:-1].rpartition(b"\n")[2] + b"\n", "")
    return line.position, check


def _check(before: str, said: str) -> str:
    return hashlib.sha256(f"{before} {said}".encode()).hexdigest()[:16]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
