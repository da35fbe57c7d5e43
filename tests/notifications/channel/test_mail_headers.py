"""Every e-mail says that a machine sent it; what belongs to a list says to which, and how to leave it."""

from uuid import UUID

import pytest

from kernel.security.crypto import Fields
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Purpose
from notifications.channel import mail_headers
from tests.workers.smtp.test_letter import email
from workers.smtp.letter import compose

BROADCAST = UUID("019a3b5e-0000-7000-8000-000000000001")


def test_what_is_a_single_affair_says_that_nobody_need_answer(settings: Settings) -> None:
    headers = mail_headers.of(settings, Fields(settings), "transactional", BROADCAST, 42)
    assert headers == {
        "Auto-Submitted": "auto-generated", "Feedback-ID": f"{BROADCAST.hex}:transactional:hexad",
    }  # fmt: skip


@pytest.mark.parametrize("purpose", ["service", "marketing"])
def test_what_belongs_to_a_list_says_which_and_how_to_leave_it(settings: Settings, purpose: Purpose) -> None:
    headers = mail_headers.of(settings, Fields(settings), purpose, BROADCAST, 42)
    assert headers["List-Id"] == f"<{purpose}.hexad.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    web, mail = headers["List-Unsubscribe"].split(", ")
    assert web.startswith("<http")
    assert mail.startswith("<mailto:no-reply@hexad.example?subject=unsubscribe%20")
    content = compose(email(headers=headers)).content
    for name, value in headers.items():
        assert f"\r\n{name}: {value}\r\n".encode() in content
