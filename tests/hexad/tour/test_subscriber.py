"""What the story tells of subscriptions is what an investor and their broker would notice."""

import re

import pytest

from tests.hexad.tour.conftest import Telling

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(300)]


def test_too_risky_is_refused_and_what_fits_is_confirmed(telling: Telling) -> None:
    told = telling.step(4)
    level, risky, fit = (int(one) for one in re.findall(r"\b[CR](\d)\b", told))
    assert fit <= level < risky
    assert "R5) is refused: too risky" in told
    assert re.search(r"the advisory platform gives contract \S+$", told, re.MULTILINE)
    assert "the broker's phone shows the notice" in told
