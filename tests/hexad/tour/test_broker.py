"""What the story tells of the broker is what a broker would notice."""

import pytest

from tests.hexad.tour.conftest import Telling

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.timeout(300)]


def test_a_broker_sees_their_own_customers_alone(telling: Telling) -> None:
    signed_in, sees, hidden = telling.step(1).splitlines()
    assert "by password and authenticator" in signed_in
    assert int(sees.split()[2]) > 500
    assert hidden.endswith("is not there: 404")


def test_care_leaves_by_sms_and_e_mail_and_is_answered(telling: Telling) -> None:
    assert "the gateways answer: 3 SMS delivered, 3 e-mails taken; the states add up" in telling.step(2)
    shown = telling.up.run("mailbox", "--limit", "100").stdout
    assert shown.count("  List-Unsubscribe: <http") >= 3
    assert shown.count("天气转凉") >= 6
