"""Takes a file of a delivery in: copied, hashed, unpacked, its CSV held against RFC 4180, all in one pass.

What is checked and loaded afterwards is the copy, so that nobody can change it in between.
"""

import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kernel.errors import InvalidInput

_CHUNK = 1 << 22
_ROW_AT_MOST = 1 << 14
"""Bytes of a row, on average, above which a file is not unpacked any further."""

_QUOTE, _COMMA, _LF, _CR = b'",\n\r'


def take(path: Path, sha256: str, rows: int, into: Path) -> Path:
    """A private copy of the file, unpacked, lines ended by LF; raises `InvalidInput` saying what is wrong with it."""
    packed, digest = path.name.endswith(".gz"), hashlib.sha256()
    target = into / path.name.removesuffix(".gz")
    chunks = _read(path, digest)
    if packed:
        chunks = _unpacked(chunks, (rows + 16) * _ROW_AT_MOST)
    if not path.name.endswith(".parquet"):
        chunks = _lines(chunks)
    problem: InvalidInput | None = None
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
            for chunk in chunks:
                copy.write(chunk)
    except InvalidInput as error:
        problem = error
        for _ in _read(path, digest := hashlib.sha256()):
            pass
    if digest.hexdigest() != sha256:
        raise InvalidInput("its SHA-256 is not the one in the manifest")
    if problem:
        raise problem
    return target


def same(path: Path, sha256: str) -> bool:
    """Whether the file has this SHA-256; raises `InvalidInput` when it cannot be read."""
    digest = hashlib.sha256()
    for _ in _read(path, digest):
        pass
    return digest.hexdigest() == sha256


def _read(path: Path, digest: "hashlib._Hash") -> Iterator[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        what = "it is a link" if path.is_symlink() else str(error.strerror)
        raise InvalidInput(f"it cannot be read: {what}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput("it is not a file")
    with os.fdopen(descriptor, "rb") as file:
        while chunk := _next(file):
            digest.update(chunk)
            yield chunk


def _next(file: BinaryIO) -> bytes:
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise InvalidInput(f"it cannot be read: {error.strerror}") from error


def _unpacked(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Gzip, of one or several members, bounded; raises `InvalidInput` when it is damaged or cut."""
    stream, total, begun = zlib.decompressobj(zlib.MAX_WBITS | 16), 0, False
    for chunk in chunks:
        rest, more = chunk, True
        while more:
            try:
                plain = stream.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise InvalidInput("the gzip in it is damaged") from error
            rest, total, begun = stream.unconsumed_tail, total + len(plain), True
            if total > limit:
                raise InvalidInput("it unpacks to far more than its rows can be")
            yield plain
            more = bool(rest) or len(plain) == _CHUNK
            if stream.eof:
                rest, stream, begun = stream.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 16), False
                more = bool(rest)
    if begun:
        raise InvalidInput("the gzip in it is cut short")


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """CSV with its lines ended by LF alone; raises `InvalidInput` where RFC 4180 is left."""
    state, held, lines, empty = _State(), b"", 0, True
    for chunk in chunks:
        block = held + chunk
        held = block[-1:] if block.endswith(b"\r") else b""
        block = (block[:-1] if held else block).replace(b"\r\n", b"\n")
        if block:
            if empty:
                _check_encoding(block)
            empty = False
            state.follow(block, lines)
            lines += block.count(b"\n")
            yield block
    if held:
        raise InvalidInput(f"line {lines + 1} has a carriage return without a line feed")
    if empty:
        raise InvalidInput("it is empty: not even a header")
    state.end(lines)


def _check_encoding(beginning: bytes) -> None:
    """Names what is not UTF-8 at the first look: a spreadsheet's "Unicode text" is UTF-16."""
    if beginning.startswith(b"\xef\xbb\xbf"):
        raise InvalidInput("it begins with a byte order mark: save it as UTF-8 without one")
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in beginning[:2]:
        raise InvalidInput("it is UTF-16, not UTF-8")


class _State:
    """Where in the CSV we are: inside quotes or not, and the byte before."""

    def __init__(self) -> None:
        self._inside, self._before, self._pending = False, _LF, False

    def follow(self, block: bytes, lines: int) -> None:
        """Goes through a block; `lines` were before it."""
        if b"\r" in block:
            raise InvalidInput(_at(block, block.index(b"\r"), lines, "has a carriage return without a line feed"))
        if b"\0" in block:
            raise InvalidInput(_at(block, block.index(b"\0"), lines, "has a NUL byte"))
        if self._inside or self._pending or _QUOTE in block:
            self._quotes(np.frombuffer(block, np.uint8), block, lines)
        else:
            at = 0 if self._before == _LF and block.startswith(b"\n") else block.find(b"\n\n") + 1 or -1
            if at >= 0:
                raise InvalidInput(_at(block, at, lines, "is empty"))
        self._before = block[-1]

    def end(self, lines: int) -> None:
        """The file is at its end."""
        if self._inside:
            raise InvalidInput("a quote that was opened is never closed")

    def _quotes(self, block: "np.ndarray[tuple[int], np.dtype[np.uint8]]", raw: bytes, lines: int) -> None:
        at = np.flatnonzero(block == _QUOTE)
        opening = (np.arange(len(at)) % 2 == 0) ^ self._inside
        previous = np.concatenate([[self._before], block])[at]
        following = np.concatenate([block, [0]])[at + 1]
        last = at == len(block) - 1
        good_open = (previous == _COMMA) | (previous == _LF) | (previous == _QUOTE)
        good_close = (following == _COMMA) | (following == _LF) | (following == _QUOTE) | last
        wrong = at[np.where(opening, ~good_open, ~good_close)]
        if self._pending and len(block) and block[0] not in (_COMMA, _LF, _QUOTE):
            wrong = np.concatenate([[0], wrong])
        if len(wrong):
            raise InvalidInput(_at(raw, int(wrong[0]), lines, "has a quote where none may stand"))
        empty = np.flatnonzero((block == _LF) & (np.concatenate([[self._before], block[:-1]]) == _LF))
        empty = empty[(np.searchsorted(at, empty) % 2 == 1) == self._inside]  # outside quotes
        if len(empty):
            raise InvalidInput(_at(raw, int(empty[0]), lines, "is empty"))
        self._inside ^= bool(len(at) % 2)
        self._pending = bool(len(at) and last[-1] and not opening[-1])


def _at(block: bytes, position: int, lines: int, what: str) -> str:
    line = lines + block.count(b"\n", 0, position) + 1
    return f"line {line} {what}"
