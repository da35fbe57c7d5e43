"""How long what leaves may be, pure: judged on the texts with every value and name in them, never on the template.

A broadcast is judged at its start, with the longest name that a source system may deliver, and each message again.
"""

from collections.abc import Sequence

from mobile_contracts.messaging.template import Channel
from notifications.channel.sms import segments

SEGMENTS_AT_MOST = 8
SMS_AT_MOST = 1000
TITLE_AT_MOST = 998
"""Of a subject or the title of a notice; a line of mail holds no more."""

BODY_AT_MOST = 20_000
_MAIL_AT_MOST = 500_000
_TITLE = (f"this is longer than {TITLE_AT_MOST} characters with its values", f"代入变量后超过 {TITLE_AT_MOST} 字")
_BODY = ("this is too long with its values", "代入变量后过长")
_SMS = (
    f"with its values and the longest name this is more than {SEGMENTS_AT_MOST} parts",
    f"代入变量与最长姓名后超过 {SEGMENTS_AT_MOST} 条短信",
)


def fault(channel: Channel, texts: Sequence[str]) -> tuple[str, str] | None:
    """What is too long of the texts of one channel, in English and Chinese; null when they may leave."""
    if channel == "sms":
        return _SMS if segments(texts[0]) > SEGMENTS_AT_MOST or len(texts[0]) > SMS_AT_MOST else None
    title, *bodies = texts
    if len(title) > TITLE_AT_MOST:
        return _TITLE
    most = _MAIL_AT_MOST if channel == "email" else BODY_AT_MOST
    return _BODY if any(len(body) > most for body in bodies) else None
