"""What is shown: aligned, with the way to mend; no progress where there is no terminal."""

import pytest

from hexad import terminal
from hexad.checks.finding import Value, ok, warn


def test_a_finding_shows_how_to_mend_it_unless_it_is_ok(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_finding(ok("disk", "9 GiB free"))
    terminal.show_finding(warn("jobs", "2 set aside", "look at them"))
    assert capsys.readouterr().out.splitlines() == [
        "ok    disk          9 GiB free",
        "warn  jobs          2 set aside",
        "                    to mend: look at them",
    ]


def test_settings_are_aligned_and_an_empty_one_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show_settings([Value("HEXAD_VAR", "var", "default"), Value("HEXAD_BROKER_URL", "", "environment")])
    assert capsys.readouterr().out.splitlines()[:2] == [
        "HEXAD_VAR         var  default",
        "HEXAD_BROKER_URL  (empty)  environment",
    ]


def test_what_strangers_wrote_cannot_command_a_terminal() -> None:
    assert terminal.plain("您好\x1b]0;owned\x07\x1b[2J\r\nOK \u202ex") == "您好]0;owned[2J\nOK x"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress("rows") as tell:
        tell(1, 10)
        tell(10, 10)
    assert capsys.readouterr() == ("", "")
