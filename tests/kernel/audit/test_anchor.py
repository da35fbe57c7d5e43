"""The anchor file only grows, survives a crash in mid-write, and shows where it was altered."""

import datetime
import fcntl
import multiprocessing
from pathlib import Path

import msgspec
import pytest

from kernel.audit.anchor import Anchor, anchor
from kernel.errors import Unavailable
from kernel.settings import Settings

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)


@pytest.fixture
def file(tmp_path: Path) -> Anchor:
    """An anchor with three lines, at positions 10, 20 and 30."""
    written = Anchor(tmp_path / "deep" / "audit.anchor")
    for position in (10, 20, 30):
        assert written.append(position, bytes([position]) * 32, NOW)
    return written


def seen(file: Anchor) -> list[tuple[int, bool]]:
    return [(line.position, line.intact) for line in file.lines()]


def test_it_says_position_and_hash(file: Anchor) -> None:
    assert seen(file) == [(10, True), (20, True), (30, True)]
    last = file.last()
    assert last is not None
    assert last.hash == bytes([30]) * 32


def test_who_locks_the_file_for_long_is_not_waited_for_for_ever(file: Anchor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.audit.anchor.LOCK_SECONDS", 0.1)
    with file.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="locked by another process: end what holds"):
            file.append(40, bytes(32), NOW)
    assert file.append(40, bytes(32), NOW)


def test_what_is_anchored_is_not_anchored_again(file: Anchor) -> None:
    assert not file.append(30, b"other" * 6, NOW)
    assert not file.append(12, b"other" * 6, NOW)
    assert len(seen(file)) == 3


@pytest.mark.parametrize("left", range(0, 60, 7))
def test_a_line_torn_by_a_crash_is_as_if_never_begun(file: Anchor, left: int) -> None:
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + whole.splitlines()[-1][:left])
    assert seen(file)[-1] == (30, True)
    assert file.append(40, bytes(32), NOW)
    assert seen(file) == [(10, True), (20, True), (30, True), (40, True)]


def test_a_file_torn_in_its_first_line_begins_anew(file: Anchor) -> None:
    file.path.write_bytes(b"10 00")
    assert file.last() is None
    assert file.append(10, bytes(32), NOW)
    assert seen(file) == [(10, True)]


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_byte_flipped_anywhere_in_a_line_shows(file: Anchor, line: int) -> None:
    whole = file.path.read_bytes().splitlines(keepends=True)
    for place in range(len(whole[line]) - 1):
        altered = bytearray(whole[line])
        altered[place] ^= 1
        file.path.write_bytes(b"".join([*whole[:line], bytes(altered), *whole[line + 1 :]]))
        assert not all(intact for _, intact in seen(file)), place


def test_a_line_taken_out_shows(file: Anchor) -> None:
    whole = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(whole[0] + whole[2])
    assert seen(file) == [(10, True), (30, False)]


def test_a_file_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="HEXAD_AUDIT_ANCHOR"):
        Anchor(tmp_path / "file" / "below").append(1, bytes(32), NOW)


def test_several_processes_may_append(tmp_path: Path) -> None:
    file, context = Anchor(tmp_path / "audit.anchor"), multiprocessing.get_context("spawn")
    children = [context.Process(target=append_hundred, args=(file.path,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert seen(file) == sorted(set(seen(file)))
    assert all(intact for _, intact in seen(file))
    assert seen(file)[-1][0] == 100


def append_hundred(path: Path) -> None:
    for position in range(1, 101):
        Anchor(path).append(position, bytes(32), NOW)


def test_it_lies_where_the_settings_say(settings: Settings) -> None:
    assert anchor(settings).path == settings.var / "audit.anchor"
    assert anchor(msgspec.structs.replace(settings, audit_anchor="/x/y")).path == Path("/x/y")
