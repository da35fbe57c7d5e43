"""By night nobody is written to, and the story knows when that is."""

import contextlib
from datetime import datetime

import httpx2
import pytest

from hexad.demo.sign_ins import SignIn
from hexad.tour.cast import Cast
from hexad.tour.stage import Done, Stage
from kernel.calendar.days import BEIJING
from kernel.settings import Settings

SOMEBODY = SignIn("broker", "1", "", "A" * 32)
CAST = Cast(SOMEBODY, SOMEBODY, SOMEBODY, "2", (SOMEBODY, SOMEBODY))


def stage(said: list[Done], hours: str = "00:00-24:00") -> Stage:
    settings = Settings(service_hours=hours)
    return Stage(settings, CAST, httpx2.AsyncClient(), said.append, contextlib.AsyncExitStack())


@pytest.mark.parametrize("night", [True, False])
def test_night_is_outside_the_hours(night: bool) -> None:
    early, late = ("00:00-12:00", "12:00-24:00") if datetime.now(BEIJING).hour < 12 else ("12:00-24:00", "00:00-12:00")
    assert stage([], late if night else early).night is night


def test_what_is_told_carries_its_own_time() -> None:
    said: list[Done] = []
    told = stage(said)
    told.tell("one")
    told.tell("two")
    assert [one.what for one in said] == ["one", "two"]
    assert all(one.seconds >= 0 for one in said)


def test_every_device_is_another() -> None:
    told = stage([])
    assert told.app("staff").device_id != told.app("staff").device_id
