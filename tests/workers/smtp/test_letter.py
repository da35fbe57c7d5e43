"""A letter says what it was given and nothing else, whatever stands in names, subjects and headers."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from mobile_contracts.messaging.outbound import Email
from workers.smtp.headers import LINE
from workers.smtp.letter import compose

LIST = "<https://hexad.firm.cn/v1/auth/unsubscribe?token=" + "A" * 200 + ">"
PLAIN: dict[str, Any] = {
    "schema": "hexad.email/1",
    "id": "019a3b5e-0000-7000-8000-000000000001",
    "purpose": "service",
    "to": "li.lei@b.cn",
    "from": "华夏证券 <no-reply@firm.cn>",
    "reply_to": None,
    "subject": "您的风险测评即将到期",
    "text": "尊敬的客户:\n.\n您好",
    "html": "<p>您好</p>",
    "headers": {},
    "created_at": "2026-11-24T10:00:00+08:00",
    "expires_at": "2026-11-24T23:00:00+08:00",
    "attempt": 1,
}


def email(number: int = 1, *, lives: float = 3600.0, **changed: Any) -> Email:
    """A message as it stands in a queue, good for some seconds from now."""
    now = datetime.now(UTC)
    given = PLAIN | {"id": f"019a3b5e-0000-7000-8000-{number:012d}", "created_at": now.isoformat(),
                     "expires_at": (now + timedelta(seconds=lives)).isoformat()} | changed  # fmt: skip
    return msgspec.json.decode(msgspec.json.encode(given), type=Email)


def read(content: bytes) -> EmailMessage:
    """The letter as its reader's program sees it."""
    return message_from_bytes(content, policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    """The text of one part, its line ends as a reader counts them."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n")


def test_what_was_written_is_read() -> None:
    letter = compose(email(headers={"List-Unsubscribe": LIST, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}))
    message = read(letter.content)
    assert (letter.sender, letter.to, letter.wide) == ("no-reply@firm.cn", "li.lei@b.cn", False)
    assert message["From"].addresses[0].display_name == "华夏证券"
    assert message["Subject"] == PLAIN["subject"]
    assert (part(message, "plain"), part(message, "html")) == (PLAIN["text"], PLAIN["html"])
    assert message["List-Unsubscribe"] == LIST
    assert f"List-Unsubscribe: {LIST}\r\n".encode() in letter.content
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_the_same_message_is_the_same_letter() -> None:
    once, again = (read(compose(email(7, attempt=attempt)).content) for attempt in (1, 2))
    assert once["Message-ID"] == again["Message-ID"] == f"<{email(7).id}@firm.cn>"
    assert UUID(once["Message-ID"][1:].partition("@")[0]) == email(7).id


def test_a_letter_may_have_one_part_alone() -> None:
    assert read(compose(email(html="")).content).get_content_type() == "text/plain"
    assert read(compose(email(text="")).content).get_content_type() == "text/html"


def test_it_returns_to_the_bounce_address_where_there_is_one() -> None:
    assert compose(email(), "bounce@firm.cn").sender == "bounce@firm.cn"


def test_an_answer_goes_where_it_is_wanted() -> None:
    assert read(compose(email(reply_to="broker@firm.cn")).content)["Reply-To"] == "broker@firm.cn"


def test_an_address_in_chinese_needs_a_wide_relay() -> None:
    letter = compose(email(to="张三@b.cn"))
    assert letter.wide
    assert "张三@b.cn".encode() in letter.content


def test_every_line_is_short_enough_to_travel() -> None:
    letter = compose(email(text="长" * 5000, subject="长" * 300, headers={"X-Campaign": "c" * 900}))
    assert max(map(len, letter.content.split(b"\r\n"))) <= LINE
    assert letter.content.isascii()


@pytest.mark.parametrize(
    "forged",
    [
        {"subject": "a\u2028Bcc: x@y.cn"},
        {"subject": "a\x0bBcc: x@y.cn"},
        {"from": "a@b.cn\x85Bcc: x@y.cn"},
        {"from": "=?utf-8?q?a=0D=0ABcc:_x@y.cn?= <a@b.cn>"},
        {"from": "a@b.cn, c@d.cn"},
        {"from": "nobody"},
        {"from": "<>"},
        {"from": '"'},
        {"from": '"a b"@b.cn'},
        {"headers": {"Bcc": "x@y.cn"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"DKIM-Signature": "v=1"}},
        {"headers": {"X-A": "a\u2029Bcc: x@y.cn"}},
        {"headers": {"List-Unsubscribe": "<https://例子.cn>"}},
        {"headers": {"X-A": "a" * 998}},
    ],
    ids=ascii,
)
def test_what_could_be_another_header_or_recipient_is_refused_without_repeating_it(forged: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        compose(email(**forged))
    assert "y.cn" not in refused.value.detail
    assert "b.cn" not in refused.value.detail


@pytest.mark.parametrize(
    "forged", [{"to": "a(b)@c.cn"}, {"to": "a@b..cn"}, {"to": "a@-b.cn"}, {"reply_to": "a(b)@c.cn"}]
)
def test_an_address_that_is_none_is_no_message_at_all(forged: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        email(**forged)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=60)


@given(subject=TEXT, name=TEXT, value=TEXT, text=TEXT)
@bounded(deadline=None)
def test_no_text_makes_a_header_of_its_own(subject: str, name: str, value: str, text: str) -> None:
    try:
        forged: dict[str, Any] = {"from": f"{name} <a@firm.cn>", "headers": {"X-Value": value}}
        letter = compose(email(subject=subject, text=text, **forged))
    except InvalidInput:
        return
    message = read(letter.content)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "X-Value", "MIME-Version", "Content-Type"]
    )
    assert [one.addr_spec for one in message["To"].addresses] == ["li.lei@b.cn"]
    assert letter.sender == "a@firm.cn"
    assert part(message, "html") == "<p>您好</p>"
