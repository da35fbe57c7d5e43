"""This host: a key file that others can read, missing keys, a full disk, an old calendar are found."""

import shutil
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from hexad import keys
from hexad.checks import host
from hexad.checks.finding import Finding
from kernel.calendar import days
from kernel.settings import Settings


def found(settings: Settings) -> dict[str, str]:
    """State by part."""
    return {finding.part: finding.state for finding in host.examine(settings, all_here=True)}


def test_a_host_that_is_well(settings: Settings) -> None:
    assert set(found(settings).values()) == {"ok"}


def test_a_key_file_that_others_can_read_fails(settings: Settings, tmp_path: Path) -> None:
    keys.make(tmp_path)
    keys.file(tmp_path).chmod(0o640)
    assert found(msgspec.structs.replace(settings, var=tmp_path))["key file"] == "fail"


def test_a_missing_key_fails(settings: Settings) -> None:
    assert found(msgspec.structs.replace(settings, field_keys=""))["keys"] == "fail"


def test_what_is_for_a_try_alone_is_told_where_a_database_of_others_is_named(settings: Settings) -> None:
    def told(given: Settings) -> Finding:
        return next(one for one in host.examine(given, all_here=False) if one.part == "production")

    plain = told(settings)
    assert plain.state == "warn"
    for name in ("SMTP_HOST", "ADVISORY_URL", "SMS_SIGNATURE", "SMS_SENDER", "EMAIL_FROM", "GATEWAYS", "PUBLIC_URL"):
        assert f"HEXAD_{name} " in plain.says
    fit = msgspec.structs.replace(
        settings, smtp_host="smtp.firm.example", advisory_url="https://a.firm.example", sms_signature="某某证券",
        sms_sender="10691234", email_from="a@firm.example", gateways="cmcc-1", public_url="https://api.firm.example",
    )  # fmt: skip
    assert told(fit).state == "ok"


@pytest.mark.parametrize(("free", "state"), [(10 << 30, "ok"), (1 << 30, "warn"), (1 << 20, "fail")])
def test_the_room_on_the_disk_is_graded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    class Usage(NamedTuple):
        total: int
        used: int
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    assert found(settings)["disk"] == state


@pytest.mark.parametrize(
    ("today", "state"), [(date(2026, 6, 1), "ok"), (date(2026, 12, 25), "warn"), (date(2027, 1, 4), "fail")]
)
def test_a_calendar_that_ends_soon_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, today: date, state: str
) -> None:
    monkeypatch.setattr(days, "certain_until", lambda: date(2026, 12, 31))
    monkeypatch.setattr(days, "today", lambda: today)
    assert found(settings)["calendar"] == state
