"""What the story tells of a view is what its readers, and others, would notice."""

import pytest

from tests.hexad.tour.conftest import Telling

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(300)]


def test_a_view_arrives_on_terminal_and_phone_and_nowhere_else(telling: Telling) -> None:
    told = telling.step(5)
    assert "shows the notice at once" in told
    assert "has the SMS" in told
    assert "who has not subscribed, gets 404" in told
    assert "有新观点" in telling.up.run("mailbox", "--limit", "100").stdout
