"""What leaves is measured as it leaves: parts of an SMS, the line of a subject, the length of a body."""

import pytest

from mobile_contracts.messaging.template import Channel
from notifications.template import limits


@pytest.mark.parametrize(
    ("channel", "texts", "fits"),
    [
        ("sms", ["一" * 67 * 8], True), ("sms", ["一" * (67 * 8 + 1)], False), ("sms", ["a" * 1000], True),
        ("sms", ["a" * 1001], False), ("email", ["x" * 998, "x" * 500_000, "x"], True),
        ("email", ["x" * 999, "x", "x"], False),
        ("email", ["x", "x", "x" * 500_001], False), ("in_app", ["x" * 998, "x" * 20_000], True),
        ("in_app", ["x", "x" * 20_001], False), ("in_app", ["x" * 999, "x"], False),
    ],
)  # fmt: skip
def test_how_long_what_leaves_may_be(channel: Channel, texts: list[str], fits: bool) -> None:
    assert (limits.fault(channel, texts) is None) is fits
