"""A workspace is private, alone, and gone afterwards; what killed runs left is removed."""

import fcntl
from datetime import date
from pathlib import Path

import pytest

from kernel.errors import Unavailable
from workers.collection.workspace import workspace


def test_nothing_is_left(tmp_path: Path) -> None:
    with workspace(tmp_path) as work:
        assert work.folder.stat().st_mode & 0o077 == 0
        work.begin_day(date(2026, 11, 20))
        assert not work.has("branch")
    assert list((tmp_path / "collection").iterdir()) == []


def test_what_a_killed_run_left_goes_and_what_another_works_in_stays(tmp_path: Path) -> None:
    left, used = tmp_path / "collection" / "left", tmp_path / "collection" / "used"
    for folder in (left, used):
        folder.mkdir(parents=True)
        (folder / "customer.csv").write_text("secret")
    with (used / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with workspace(tmp_path):
            assert (left.exists(), used.exists()) == (False, True)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "collection").write_text("a file")
    with pytest.raises(Unavailable, match="cannot be worked in"), workspace(tmp_path):
        pass
