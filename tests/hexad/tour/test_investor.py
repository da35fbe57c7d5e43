"""What the story tells of the chat is what an investor would notice."""

import pytest

from tests.hexad.tour.conftest import Telling

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(300)]


def test_the_code_came_by_sms(telling: Telling) -> None:
    number = telling.step(3).partition(" came to ")[2].partition(" ")[0]
    texts = telling.up.run("mailbox", "--limit", "100", "--to", number[-4:]).stdout
    assert "登录验证码" in texts


def test_a_cut_loses_nothing_and_doubles_nothing(telling: Telling) -> None:
    assert "gets the 3 messages that it missed, and no other" in telling.step(3)
    assert "each of the broker's devices has every message once" in telling.step(3)
