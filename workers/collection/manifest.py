"""Which deliveries a folder holds, and what their manifests promise of each file."""

import datetime
import os
import re
from pathlib import Path

import msgspec

from kernel.errors import InvalidInput
from workers.collection.column import FEEDS

_MANIFEST = "manifest.json"
_MANIFEST_AT_MOST = 64 << 10
_ROWS_AT_MOST = 1_000_000_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,29}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
FORMS = ("csv.gz", "csv", "parquet")

Day = datetime.date


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One feed's file as the manifest has it; rows without the header, SHA-256 of the file as it is stored."""

    file: str
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A manifest; `demo` marks a made-up brokerage, for which `asset` is made up too until that feed is loaded."""

    day: Day
    source: str
    feeds: dict[str, File]
    demo: bool = False


class Delivery(msgspec.Struct, frozen=True):
    """One folder of one source and day."""

    folder: Path
    day: Day
    source: str

    @property
    def name(self) -> str:
        """How the report calls it."""
        return f"{self.day} {self.source}"

    def read(self) -> Manifest:
        """Its manifest; raises `InvalidInput` saying in one sentence what is wrong with it."""
        text = _bounded(self.folder / _MANIFEST)
        try:
            manifest = msgspec.json.decode(text, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidInput(f"{_MANIFEST} is not as it should be: {error}") from error
        if manifest.day != self.day or manifest.source != self.source:
            raise InvalidInput(f"{_MANIFEST} is of {manifest.day} {_safe(manifest.source)}, its folder of {self.name}")
        if not manifest.feeds:
            raise InvalidInput(f"{_MANIFEST} names no feed")
        for feed, file in manifest.feeds.items():
            _check(feed, file)
        return manifest


def deliveries(folder: Path) -> list[list[Delivery]]:
    """What is in a delivery, a day or a root, the oldest day first; raises `InvalidInput` when it is none of them."""
    folder = folder.absolute()
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is not a folder")
    if (folder / _MANIFEST).exists() or (_SOURCE.fullmatch(folder.name) and _day(folder.parent.name)):
        day = _day(folder.parent.name)
        if not day or not _SOURCE.fullmatch(folder.name):
            raise InvalidInput(f"{folder} has a manifest, but is no folder <YYYY-MM-DD>/<source>")
        return [[Delivery(folder, day, folder.name)]]
    days = [folder] if _day(folder.name) else sorted(one for one in folder.iterdir() if _day(one.name))
    found = [_of_day(one) for one in days if not _is_link(one)]
    if not any(found):
        raise InvalidInput(f"{folder} holds no delivery: <YYYY-MM-DD>/<source>/{_MANIFEST} is looked for")
    return [day for day in found if day]


def _of_day(folder: Path) -> list[Delivery]:
    day = _day(folder.name)
    assert day
    sources = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    for one in sources:
        if not _SOURCE.fullmatch(one.name):
            raise InvalidInput(f"{one} is no delivery: a source is named in lower case, letters and digits")
    return [Delivery(one, day, one.name) for one in sources]


def _day(name: str) -> Day | None:
    try:
        return Day.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        return None


def _is_link(folder: Path) -> bool:
    return folder.is_symlink() or not folder.is_dir()


def _bounded(path: Path) -> bytes:
    """A small file that is no link; raises `InvalidInput`."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            text = file.read(_MANIFEST_AT_MOST + 1)
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}") from error
    if len(text) > _MANIFEST_AT_MOST:
        raise InvalidInput(f"{path.name} is larger than {_MANIFEST_AT_MOST >> 10} KiB")
    return text


def _check(feed: str, file: File) -> None:
    if feed not in FEEDS:
        raise InvalidInput(f"{_MANIFEST} names the feed {_safe(feed)}, which does not exist")
    if file.file not in {f"{feed}.{form}" for form in FORMS}:
        raise InvalidInput(f"{_MANIFEST} names the file {_safe(file.file)} for the feed {feed}: it must be {feed}.csv,"
                           f" {feed}.csv.gz or {feed}.parquet")  # fmt: skip
    if not 0 <= file.rows <= _ROWS_AT_MOST:
        raise InvalidInput(f"{_MANIFEST} promises a number of rows of {feed} that cannot be")
    if not _SHA256.fullmatch(file.sha256):
        raise InvalidInput(f"{_MANIFEST} has no SHA-256 of 64 lower-case hexadecimal digits for {feed}")


def _safe(text: str) -> str:
    """What somebody wrote, short and printable."""
    return "".join(one if one.isprintable() else "?" for one in text[:60])
