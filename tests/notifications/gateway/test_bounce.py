"""Mail comes back in many forms; each that is about a message of ours says what became of it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from kernel.errors import InvalidInput
from notifications.gateway.bounce import receipts

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
OURS = UUID("019a3b5e-0000-7000-8000-000000000001")

POSTFIX = f"""\
From: MAILER-DAEMON@relay.firm.cn (Mail Delivery System)
To: bounce@firm.cn
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F1.1/relay.firm.cn"
Message-Id: <20261124@relay.firm.cn>

--4F1.1/relay.firm.cn
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4F1.1/relay.firm.cn
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.firm.cn
X-Postfix-Queue-ID: 4F1
Arrival-Date: Tue, 24 Nov 2026 10:00:00 +0800 (CST)

Final-Recipient: rfc822; li.lei@b.cn
Original-Recipient: rfc822;li.lei@b.cn
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.b.cn
Diagnostic-Code: smtp; 550 5.1.1 <li.lei@b.cn>: user unknown

--4F1.1/relay.firm.cn
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: no-reply@firm.cn
To: li.lei@b.cn
Subject: hello
Message-ID: <{OURS}@firm.cn>

hello

--4F1.1/relay.firm.cn--
"""

HEADERS_ALONE = POSTFIX.replace("Content-Type: message/rfc822", "Content-Type: text/rfc822-headers")

EXCHANGE = f"""\
From: <postmaster@b.cn>
To: <bounce@firm.cn>
Content-Type: multipart/report; report-type=delivery-status; boundary="9B095B5ADSN"
In-Reply-To: <{OURS}@firm.cn>
References: <{OURS}@firm.cn>

--9B095B5ADSN
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/html

<p>Your message couldn't be delivered.</p>
--inner--
--9B095B5ADSN
Content-Type: message/delivery-status

Reporting-MTA: dns;b.cn
Received-From-MTA: dns;relay.firm.cn

Final-Recipient: rfc822;li.lei@b.cn
Action: Failed
Status: 5.7.1 (delivery not authorized)

--9B095B5ADSN--
"""

ENVELOPE = f"""\
From: MAILER-DAEMON@relay
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; relay
Original-Envelope-Id: {str(OURS).upper()}

Final-Recipient: rfc822; a@b.cn
Action: delivered (to mailbox)
Status: 2.0.0

Final-Recipient: rfc822; c@b.cn
Action: relayed
Status: 2.0.0

--x--
"""


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (POSTFIX, "undelivered", "5.1.1"),
        (POSTFIX.replace("\n", "\r\n"), "undelivered", "5.1.1"),
        (HEADERS_ALONE, "undelivered", "5.1.1"),
        (EXCHANGE, "undelivered", "5.7.1"),
        (ENVELOPE, "delivered", "2.0.0"),
        (POSTFIX.replace("Status: 5.1.1", "Status: unknown"), "undelivered", ""),
    ],
    ids=["postfix", "crlf", "headers alone", "exchange", "envelope", "no code"],
)
def test_a_notification_is_a_receipt_that_says_nothing_of_the_person(content: str, status: str, code: str) -> None:
    (one,) = receipts(content.encode(), "mail-hook", NOW)
    assert (one.id, one.gateway, one.status, one.code, one.at) == (OURS, "mail-hook", status, code, NOW)
    assert "b.cn" not in repr(one)


def test_a_delay_decides_nothing() -> None:
    assert receipts(POSTFIX.replace("Action: failed", "Action: delayed").encode(), "mail-hook", NOW) == []


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"Subject: out of office\n\nI am away.",
        POSTFIX.replace(str(OURS), "4711").encode(),
        POSTFIX.replace("message/delivery-status", "text/plain").encode(),
        POSTFIX.replace("0000-7000", "0000-4000").encode(),
    ],
    ids=["nothing", "a reply", "a strange message", "no report", "an id of others"],
)
def test_whatever_else_comes_back_is_refused(other: bytes) -> None:
    with pytest.raises(InvalidInput):
        receipts(other, "mail-hook", NOW)


@bounded(deadline=None)
@given(cut=st.integers(0, len(POSTFIX)), junk=st.binary(max_size=50))
def test_a_broken_one_is_read_or_refused(cut: int, junk: bytes) -> None:
    content = POSTFIX.encode()
    try:
        found = receipts(content[:cut] + junk + content[cut:], "mail-hook", NOW)
    except InvalidInput:
        return
    assert {one.status for one in found} <= {"undelivered", "delivered"}
