"""The mailbox is private, bounded, and survives a line that was cut short."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hexad.simulators import mailbox
from hexad.simulators.mailbox import Letter, Mailbox

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def letter(text: str, channel: str = "sms", minute: int = 0) -> Letter:
    """A letter with this text."""
    return Letter(channel, NOW + timedelta(minutes=minute), "1069", "+8613800000000", "", text)


def test_the_newest_of_all_channels_come_first(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep([letter("one", minute=1), letter("three", minute=3)])
    box.keep([letter("two", "email", minute=2)])
    assert [one.text for one in box.newest(10)] == ["three", "two", "one"]
    assert [one.text for one in box.newest(1)] == ["three"]


def test_the_time_of_a_letter_is_told_as_in_the_logs() -> None:
    assert letter("one").when == "2026-11-22 17:00:00+08:00"


def test_letters_are_found_by_whom_they_went_to_and_by_their_ids(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep([letter("one"), Letter("sms", NOW, "1069", "+8613900000000", "", "two", "id-2")])
    box.keep([Letter("email", NOW, "a@b.cn", "Li.Lei@b.cn", "", "three", "id-3")])
    assert [one.text for one in box.newest(10, "+86139")] == ["two"]
    assert [one.text for one in box.newest(10, "li.lei@B.CN")] == ["three"]
    assert (box.ids("sms"), box.ids("email")) == (["id-2"], ["id-3"])


def test_an_empty_one_is_empty(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep([])
    assert Mailbox(tmp_path).newest(10) == []


def test_nobody_else_can_look_into_it(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep([letter("secret")])
    assert (tmp_path / "mailbox").stat().st_mode & 0o077 == 0


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_BYTES", 10_000)
    box = Mailbox(tmp_path)
    for number in range(1000):
        box.keep([letter(f"message {number}")])
    assert sum(file.stat().st_size for file in (tmp_path / "mailbox").iterdir()) < 25_000
    assert box.newest(1)[0].text


def test_a_file_that_is_set_aside_at_this_moment_is_left_out(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep([letter("whole")])
    (tmp_path / "mailbox" / "email.jsonl").symlink_to("gone")
    assert [one.text for one in box.newest(10)] == ["whole"]


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep([letter("whole")])
    with (tmp_path / "mailbox" / "sms.jsonl").open("a") as file:
        file.write('{"channel": "sms", "at"')
    assert [one.text for one in box.newest(10)] == ["whole"]
