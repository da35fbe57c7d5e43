"""The mailbox is looked up by recipient and time, for a person and for a script."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hexad.simulators.mailbox import Letter, Mailbox
from tests.hexad.test_main import run

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MAIL = Letter("email", NOW, "no-reply@firm.cn", "li.lei@b.cn", "您好", "正文\n\x1b[31mred", "<1@firm.cn>",
              "<p>正文</p>", {"List-Unsubscribe": "<https://x/>", "From": "Hexad"})  # fmt: skip


def sms(text: str, minutes: int = 0, to: str = "+8613800000000") -> Letter:
    return Letter("sms", NOW + timedelta(minutes=minutes), "1069", to, "", text)


def test_the_newest_comes_first_and_shows_how_to_get_no_more(tmp_path: Path) -> None:
    box = Mailbox(tmp_path)
    box.keep([sms("one", 1), sms("two", 2)])
    box.keep([MAIL])
    shown = run("mailbox", HEXAD_VAR=str(tmp_path)).stdout
    assert shown.index("two") < shown.index("one") < shown.index("li.lei@b.cn")
    assert "  List-Unsubscribe: <https://x/>\n" in shown
    assert "\x1b" not in shown


def test_everything_is_there_as_json(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep([MAIL])
    (found,) = json.loads(run("mailbox", "--json", "--to", "LI.LEI", HEXAD_VAR=str(tmp_path)).stdout)
    assert (found["html"], found["headers"]["From"], found["id"]) == ("<p>正文</p>", "Hexad", "<1@firm.cn>")


def test_what_came_before_is_left_out(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep([sms("one", 1), sms("two", 2)])
    shown = run("mailbox", "--after", "2026-11-24T18:02:00+08:00", HEXAD_VAR=str(tmp_path)).stdout
    assert "two" in shown
    assert "one" not in shown


def test_somebody_waits_for_a_letter_or_gives_up(tmp_path: Path) -> None:
    assert run("mailbox", "--to", "+86138", HEXAD_VAR=str(tmp_path)).returncode == 1

    def come() -> None:
        time.sleep(0.5)
        Mailbox(tmp_path).keep([sms("to another", to="+8613900000000"), sms("code 123456")])

    coming = threading.Thread(target=come)
    coming.start()
    waited = run("mailbox", "--to", "+86138", "--wait", "30", HEXAD_VAR=str(tmp_path))
    coming.join()
    assert waited.returncode == 0
    assert "code 123456" in waited.stdout
    assert "another" not in waited.stdout
