"""Mail comes back in many forms; each that is about a message of ours says what became of it, the rest what it is."""

import base64
import subprocess
import sys
from datetime import UTC, datetime
from typing import TextIO
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from notifications.gateway.bounce import Returned, read

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


QMAIL = f"""\
From: MAILER-DAEMON@mx.b.cn
To: bounce@firm.cn
Subject: failure notice

Hi. This is the qmail-send program at mx.b.cn.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<li.lei@b.cn>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <bounce@firm.cn>
From: no-reply@firm.cn
Subject: the account balance does not exist in this mailbox full of spam
Message-ID: <{OURS}@firm.cn>

hello
"""
QQ = f"""\
From: PostMaster@qq.com
To: bounce@firm.cn
Subject: =?utf-8?b?{base64.b64encode("系统退信".encode()).decode()}?=
In-Reply-To: <{OURS}@firm.cn>
Content-Type: text/html; charset=gb18030
Content-Transfer-Encoding: base64

{base64.b64encode("<p>您的邮件被退回:收件人邮箱不存在。550 Mailbox not found</p>".encode("gb18030")).decode()}
"""
ARF = f"""\
From: <feedback@b.cn>
To: <fbl@firm.cn>
Subject: FW: hello
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"

--arf
Content-Type: text/plain

This is an email abuse report.
--arf
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--arf
Content-Type: message/rfc822

From: no-reply@firm.cn
To: [redacted]
Message-ID: <{OURS}@firm.cn>

hello
--arf--
"""
AWAY = f"""\
From: li.lei@b.cn
To: no-reply@firm.cn
Subject: Automatic reply: hello
Auto-Submitted: auto-replied
In-Reply-To: <{OURS}@firm.cn>

I am out of office. Mail to my deputy at 550 5.1.1 street, user unknown to most.
"""
MDN = f"""\
From: li.lei@b.cn
Content-Type: multipart/report; report-type=disposition-notification; boundary=m

--m
Content-Type: text/plain

It was displayed.
--m
Content-Type: message/disposition-notification

Original-Message-ID: <{OURS}@firm.cn>
Disposition: manual-action/MDN-sent-manually; displayed

--m--
"""
REPORT = POSTFIX.partition("Content-Type: message/delivery-status\n\n")[2].partition("\n--4F1")[0]
IN_BASE64 = POSTFIX.replace(
    f"Content-Type: message/delivery-status\n\n{REPORT}",
    "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(REPORT.encode()).decode(),
)
GLOBAL = POSTFIX.replace("message/delivery-status", "message/global-delivery-status").replace(
    "Content-Type: message/rfc822", "Content-Type: message/global-headers"
)
WITHOUT_A_CODE = POSTFIX.replace("Status: 5.1.1", "Status: 5.0.0").replace(
    "550 5.1.1 <li.lei@b.cn>: user unknown", "550 User not found: li.lei@163.com"
)


@pytest.mark.parametrize(
    ("content", "made_of", "status", "code"),
    [
        (POSTFIX, "bounce", "undelivered", "5.1.1"),
        (POSTFIX.replace("\n", "\r\n"), "bounce", "undelivered", "5.1.1"),
        (HEADERS_ALONE, "bounce", "undelivered", "5.1.1"),
        (EXCHANGE, "bounce", "undelivered", "5.7.1"),
        (ENVELOPE, "delivery", "delivered", "2.0.0"),
        (POSTFIX.replace("Status: 5.1.1", "Status: unknown"), "bounce", "undelivered", "5.1.1"),
        (IN_BASE64, "bounce", "undelivered", "5.1.1"),
        (IN_BASE64.replace("\n", "\r\n"), "bounce", "undelivered", "5.1.1"),
        (GLOBAL, "bounce", "undelivered", "5.1.1"),
        (GLOBAL.replace("\n", "\r\n"), "bounce", "undelivered", "5.1.1"),
        (WITHOUT_A_CODE, "bounce", "undelivered", "5.1.1"),
        (WITHOUT_A_CODE.replace("Status: 5.0.0\n", ""), "bounce", "undelivered", "5.1.1"),
        (WITHOUT_A_CODE.replace("User not found", "MI:SPB spam"), "bounce", "undelivered", "5.7.1"),
        (POSTFIX.replace("5.1.1", "4.4.1"), "bounce", "undelivered", "4.4.1"),
        (QMAIL, "bounce", "undelivered", "5.1.1"),
        (QQ, "bounce", "undelivered", "5.1.1"),
        (ARF, "complaint", "delivered", "COMPLAINT"),
    ],
    ids=["postfix", "crlf", "headers alone", "exchange", "envelope", "no status", "base64", "base64 crlf", "global",
         "global crlf", "163", "163 without status", "policy", "given up", "qmail", "qq", "complaint"],
)  # fmt: skip
def test_what_tells_of_a_message_is_a_receipt_that_says_nothing_of_the_person(
    content: str, made_of: str, status: str, code: str
) -> None:
    found = read(content.encode(), "mail-hook", NOW)
    assert found.made_of == made_of
    (one,) = found.receipts
    assert (one.id, one.gateway, one.status, one.code, one.at) == (OURS, "mail-hook", status, code, NOW)
    assert "b.cn" not in repr(found)


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded"])
def test_what_only_went_on_decides_nothing(action: str) -> None:
    found = read(POSTFIX.replace("Action: failed", f"Action: {action}").encode(), "mail-hook", NOW)
    assert found == Returned("delay", notification=True)


@pytest.mark.parametrize(
    ("other", "made_of"),
    [
        ("", "other"),
        ("Subject: hello\n\nhello", "other"),
        (AWAY, "auto_reply"),
        (AWAY.replace("Auto-Submitted: auto-replied\n", ""), "auto_reply"),
        (MDN, "read_receipt"),
        (POSTFIX.replace(str(OURS), "4711"), "other"),
        (POSTFIX.replace("0000-7000", "0000-4000"), "other"),
        (ARF.replace("abuse\n", "not-spam\n"), "other"),
        (ARF.replace(str(OURS), "4711"), "other"),
        (QMAIL.replace(str(OURS), "4711"), "other"),
        (QMAIL.replace("MAILER-DAEMON", "somebody").replace("Hi. This is", "Hello. This is"), "other"),
        (f"From: MAILER-DAEMON@b.cn\nIn-Reply-To: <{OURS}@firm.cn>\n\nIt is delayed, we will retry. 450", "delay"),
        ("Content-Type: multipart/mixed; boundary=b\n\n" + "--b\nContent-Type: message/rfc822\n\n" * 2000, "other"),
    ],
    ids=["nothing", "a letter", "away", "away unsaid", "displayed", "a strange message", "an id of others", "not junk",
         "a strange complaint", "a strange qmail", "a person who writes so", "retried", "bottomless"],
)  # fmt: skip
def test_whatever_else_comes_is_named_and_nothing_is_made_of_it(other: str, made_of: str) -> None:
    assert read(other.encode(), "mail-hook", NOW) == Returned(made_of)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", ["unsubscribe AbC-_9", "UNSUBSCRIBE\n  AbC-_9", "=?utf-8?q?unsubscribe_AbC-=5F9?="])
def test_a_wish_by_mail_bears_its_token(subject: str) -> None:
    assert read(f"Subject: {subject}\n\n".encode(), "h", NOW) == Returned("unsubscribe", token="AbC-_9")


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "utf-7", "unicode_escape", "utf\0-8", "hex", "x"])
@pytest.mark.parametrize("mail", [POSTFIX, QQ, QMAIL], ids=["postfix", "qq", "qmail"])
def test_text_in_a_character_set_that_nobody_reads_is_read_as_far_as_it_goes(mail: str, charset: str) -> None:
    said = f'Content-Type: text/plain; charset="{charset}"\n\n'
    mail = mail.replace(
        "Content-Type: message/delivery-status\n", f'Content-Type: message/delivery-status; charset="{charset}"\n'
    )
    mail = mail.replace("Action:", "X-Half: +2AA- \\ud800 xn--\xff\nAction:")
    assert read(mail.encode(), "h", NOW).made_of == "bounce"
    assert read((said + "+2AA- \\ud800 \xff").encode(), "h", NOW) == Returned("other")


LONG = {
    "dashes": "From: mailer-daemon@b.cn\n\n" + "-" * 100_000,
    "lines of no words": "From: mailer-daemon@b.cn\n\n" + ".\n" * 100_000,
    "a subject": "Subject: " + "=?a?b?x" * 100_000 + "\n\n",
}
"""What took minutes to days: the square or the cube of its length."""


@pytest.mark.parametrize("mail", LONG.values(), ids=LONG.keys())
def test_what_is_long_takes_no_longer_than_it_is(mail: str) -> None:
    program = "import sys; from tests.notifications.gateway.test_bounce import read_aloud; read_aloud(sys.stdin)"
    done = subprocess.run(
        [sys.executable, "-c", program], input=mail, text=True, capture_output=True, timeout=90, check=True
    )
    assert done.stdout == "other"


def read_aloud(mail: TextIO) -> None:
    """Says what is made of a mail."""
    sys.stdout.write(read(mail.read().encode(), "h", NOW).made_of)


@bounded(deadline=None)
@given(
    mail=st.sampled_from([POSTFIX, QMAIL, QQ, ARF, MDN, IN_BASE64]), cut=st.integers(0, 2000),
    junk=st.binary(max_size=50),
)  # fmt: skip
@example(mail="Subject: =?\xef\xbf\xbdutf-8?q?a?=\n\n", cut=0, junk=b"")
@example(mail=QQ, cut=0, junk=b"Subject: =?\xffutf-8?b?YQ==?=\n")
def test_a_broken_one_is_read_as_far_as_it_goes(mail: str, cut: int, junk: bytes) -> None:
    content = mail.encode()
    found = read(content[:cut] + junk + content[cut:], "mail-hook", NOW)
    assert {one.status for one in found.receipts} <= {"undelivered", "delivered"}
