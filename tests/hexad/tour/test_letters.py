"""A code is found on the phone that it came to, by the masked number and the time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hexad.simulators.mailbox import Letter, Mailbox
from hexad.tour import letters, promise
from hexad.tour.letters import Letters, is_to
from hexad.tour.promise import Broken

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def sms(text: str, minutes: int = 0, to: str = "+8613800001234") -> Letter:
    return Letter("sms", NOW + timedelta(minutes=minutes), "1069", to, "", text)


async def test_the_newest_code_on_that_phone_is_the_one(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep(
        [
            sms("验证码为111111", -1),
            sms("验证码222222", 1),
            sms("no code", 2),
            sms("333333", 3, "+8613900001234"),
        ]
    )
    assert await Letters(tmp_path).code("138****1234", NOW) == "222222"


async def test_a_code_that_does_not_come_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def once(what: str, look: object) -> str:
        return await promise.until(what, look, 0.01)  # type: ignore[arg-type]

    monkeypatch.setattr(letters, "until", once)
    Mailbox(tmp_path).keep([sms("验证码为111111", -1)])
    with pytest.raises(Broken, match=r"an SMS to 138\*\*\*\*1234 with a code"):
        await Letters(tmp_path).code("138****1234", NOW)


async def test_a_letter_is_found_by_its_words(tmp_path: Path) -> None:
    Mailbox(tmp_path).keep([sms("hello M1"), sms("hello M2")])
    assert [one.text for one in Letters(tmp_path).saying("M2")] == ["hello M2"]
    assert (await Letters(tmp_path).expect("sms", "138****1234", "M1")).text == "hello M1"


@pytest.mark.parametrize(("mask", "is_so"), [("138****1234", True), ("138****1235", False), ("139****1234", False)])
def test_a_masked_number_is_compared_with_what_it_shows(mask: str, is_so: bool) -> None:
    assert is_to(sms("x"), mask) is is_so
