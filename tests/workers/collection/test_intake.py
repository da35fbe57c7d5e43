"""A file is copied exactly or refused, whatever was done to it."""

import csv
import gzip
import hashlib
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from workers.collection import intake

_CSV = b"a,b\n1,x\n2,y\n"


def take(folder: Path, content: bytes, name: str = "branch.csv", rows: int = 2) -> bytes:
    """What the private copy of such a file holds."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "out").mkdir(exist_ok=True)
    path = folder / "in" / name
    path.write_bytes(content)
    return intake.take(path, hashlib.sha256(content).hexdigest(), rows, folder / "out").read_bytes()


@pytest.mark.parametrize(
    "content",
    [_CSV, _CSV.replace(b"\n", b"\r\n"), b"a,b\r\n1,x\n2,y\r\n", b"a,b\n1,x\n2,y"],
    ids=["lf", "crlf", "mixed", "no last line end"],
)
def test_lines_end_as_they_like(tmp_path: Path, content: bytes) -> None:
    assert take(tmp_path, content).rstrip(b"\n") == _CSV.rstrip(b"\n")


def test_a_quoted_value_may_hold_empty_lines(tmp_path: Path) -> None:
    content = b'a,b\n1,"\n\n\n"\n"\n\n2",y\n'
    assert take(tmp_path, content) == content


@given(st.lists(st.sampled_from([b"\n", b'"', b",", b"x"]), max_size=14).map(b"".join), st.integers(1, 5))
def test_where_the_chunks_end_makes_no_difference(rest: bytes, size: int) -> None:
    content = b"a,b\n" + rest

    def outcome(size: int) -> bytes | None:
        chunks = (content[at : at + size] for at in range(0, len(content), size))
        try:
            return b"".join(intake._lines(chunks))
        except InvalidInput:
            return None

    assert outcome(size) == outcome(len(content))


def test_gzip_is_unpacked_and_may_have_several_members(tmp_path: Path) -> None:
    packed = gzip.compress(_CSV[:5]) + gzip.compress(_CSV[5:])
    assert take(tmp_path, packed, "branch.csv.gz") == _CSV


def test_a_large_gzip_is_unpacked_whole(tmp_path: Path) -> None:
    content = b"a,b\n" + b"".join(b"%d,%d\n" % (number, number * number) for number in range(1_000_000))
    assert take(tmp_path, gzip.compress(content, 1), "branch.csv.gz", 1_000_000) == content


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf" + _CSV, "byte order mark"),
        ("a,b\r\n1,中\r\n".encode("utf-16"), "it is UTF-16, not UTF-8"),
        ("a,b\n1,中\n".encode("utf-16-be"), "it is UTF-16, not UTF-8"),
        ("a,b\n1,中\n".encode("utf-16-le"), "it is UTF-16, not UTF-8"),
        (b"a,b\n1,x\r2,y\n", "line 2 has a carriage return"),
        (b"a,b\n1,x\r", "line 2 has a carriage return"),
        (b"a,b\n1,x\0\n", "line 2 has a NUL byte"),
        (b'a,b\n1,x"y"\n', "line 2 has a quote where none may stand"),
        (b'a,b\n1,"x"y\n', "line 2 has a quote where none may stand"),
        (b'a,b\n1,"x" \n', "line 2 has a quote where none may stand"),
        (b'a,b\n1, "x"\n', "line 2 has a quote where none may stand"),
        (b'a,b\n1,"x\n2,y\n', "never closed"),
        (b"a,b\n\n1,x\n", "line 2 is empty"),
        (b"a,b\n1,x\n\n", "line 3 is empty"),
        (b'a,b\n"1",x\n\n2,y\n', "line 3 is empty"),
        (b'a,b\n1,"x\n\n"\n\n2,y\n', "line 5 is empty"),
        (b'\na,"b"\n', "line 1 is empty"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        take(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (gzip.compress(_CSV)[:-1], "cut short"),
        (gzip.compress(_CSV)[:-9], "cut short"),
        (gzip.compress(_CSV)[:5], "cut short"),
        (gzip.compress(_CSV) + b"\0rubbish", "damaged"),
        (_CSV, "damaged"),
        (b"", "empty"),
        (gzip.compress(bytes(64 << 20)), "unpacks to far more|NUL"),
    ],
    ids=["last byte", "no end", "head", "rubbish behind", "plain", "empty", "bomb"],
)
def test_damaged_gzip_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        take(tmp_path, content, "branch.csv.gz")


def test_a_flipped_bit_in_gzip_is_found(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(_CSV * 100))
    packed[-6] ^= 1
    with pytest.raises(InvalidInput, match="damaged"):
        take(tmp_path, bytes(packed), "branch.csv.gz")


def test_another_sha256_is_told_before_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "branch.csv"
    path.write_bytes(b'a,b\n1,"x')
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInput, match="SHA-256"):
        intake.take(path, hashlib.sha256(b"other").hexdigest(), 1, tmp_path / "out")


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "missing"])
def test_only_files_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "branch.csv"
    if kind == "link":
        (tmp_path / "real.csv").write_bytes(_CSV)
        path.symlink_to(tmp_path / "real.csv")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidInput):
        intake.take(path, hashlib.sha256(_CSV).hexdigest(), 2, tmp_path / "out")


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=8), st.booleans(), st.integers(1, 9))
def test_whatever_a_library_writes_is_taken_as_it_is(
    tmp_path: Path, rows: list[tuple[str, str]], quoted: bool, chunk: int
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
    content = out.getvalue().encode()
    if content.startswith(b"\xef\xbb\xbf") or (b"\n\n" in b"\n" + content and b'"' not in content):
        return
    before, intake._CHUNK = intake._CHUNK, chunk  # blocks may end anywhere
    try:
        assert take(tmp_path, content) == content
    finally:
        intake._CHUNK = before
