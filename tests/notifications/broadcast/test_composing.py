"""What is composed its readers can read; what cannot be composed is one message's ending, told by its reason."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.security.crypto import Fields, Place
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Email, Sms
from notifications.broadcast.composing import UNREADABLE_MESSAGE, Claimed, Composer, Ending, Occasion
from notifications.template.rendering import Rendered

NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)
BETWEEN = {"sms": (("尊敬的", ":您好"),), "email": (("Dear ", ""), ("Dear ", "."), ("<p>", "</p>"))}


def composer(settings: Settings, channel: Literal["sms", "email"], parts: Any = None) -> Composer:
    """For a batch in both languages."""
    rendered = Rendered(parts or BETWEEN[channel])
    both = {"zh": rendered, "en": rendered}
    occasion = Occasion(uuid.uuid7(), "service", channel, both, NOW, NOW + timedelta(hours=1))  # type: ignore[arg-type]
    return Composer(settings, Fields(settings), occasion)


def row(settings: Settings, **given: Any) -> Claimed:
    """Somebody with a number and an address."""
    mobile = Fields(settings).seal("+8613800138000", Place("customer", "mobile", "A1"))
    known: dict[str, Any] = {
        "id": uuid.uuid7(), "customer_id": 1, "attempt": 0, "content": None, "customer_no": "A1", "name": "王一",
        "mobile": mobile, "noted_mobile": None, "email": "a@b.cn", "language": "zh",
    }  # fmt: skip
    return Claimed(**(known | given))


def test_a_message_is_composed_and_the_same_one_again_later(settings: Settings) -> None:
    one = row(settings)
    body = composer(settings, "sms").compose(one)
    assert isinstance(body, bytes)
    sms = msgspec.json.decode(body, type=Sms)
    assert (sms.id, sms.to, sms.text, sms.attempt) == (one.id, "+8613800138000", "尊敬的王一:您好", 1)
    kept = Fields(settings).seal(body.decode(), Place("outgoing", "content", str(one.id)))
    again = composer(settings, "sms").compose(msgspec.structs.replace(one, content=kept, attempt=1, name="other"))
    assert isinstance(again, bytes)
    assert msgspec.json.decode(again, type=Sms) == msgspec.structs.replace(sms, attempt=2)


@pytest.mark.parametrize("subject", ["=?utf-8?b?5rWL6K+V?=", "a =?x", "«»"])
def test_a_subject_is_what_was_typed(settings: Settings, subject: str) -> None:
    body = composer(settings, "email", ((subject, ""), ("x", ""), ("x", ""))).compose(row(settings, name=""))
    assert isinstance(body, bytes)
    assert msgspec.json.decode(body, type=Email).subject == subject


@pytest.mark.parametrize(
    ("channel", "given", "parts", "ending"),
    [
        ("sms", {"mobile": b"spoilt"}, None, UNREADABLE_MESSAGE),
        ("sms", {"content": b"spoilt"}, None, UNREADABLE_MESSAGE),
        ("sms", {"mobile": None}, None, Ending("skipped", "no_mobile")),
        ("email", {"email": None}, None, Ending("skipped", "no_email")),
        ("email", {"email": "ok@c_d.cn"}, None, Ending("skipped", "bad_address")),
        ("sms", {"name": "𠮷" * 60}, (("一" * 480, ""),), Ending("skipped", "too_long")),
        ("email", {}, (("x" * 998, ""), ("x",), ("x",)), Ending("skipped", "too_long")),
        ("email", {}, (("a\r\nBcc: b",), ("x",), ("x",)), Ending("failed", "unsendable")),
    ],
)
def test_what_cannot_be_composed_is_an_ending(
    settings: Settings, channel: Literal["sms", "email"], given: dict[str, Any], parts: Any, ending: Ending
) -> None:
    assert composer(settings, channel, parts).compose(row(settings, **given)) == ending


def test_content_that_is_sealed_but_no_message_is_unreadable(settings: Settings) -> None:
    one = row(settings)
    content = Fields(settings).seal('{"schema": "hexad.email/1"}', Place("outgoing", "content", str(one.id)))
    assert composer(settings, "sms").compose(msgspec.structs.replace(one, content=content)) == UNREADABLE_MESSAGE
