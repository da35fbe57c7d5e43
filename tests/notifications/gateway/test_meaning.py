"""What relays say without a status, or with an empty one, is read by its words; a policy is no dead address."""

import pytest

from notifications.gateway.meaning import PERMANENT, status

DEAD = [
    "550 User not found: zhang@163.com",
    "550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000728",
    "550 Mailbox unavailable or access denied, no such user",
    "550 No such user here",
    "550 #5.1.0 Address rejected: user unknown",
    "550 Requested action not taken: mailbox non-existent",
    "550 <a@sina.com>: Recipient address rejected: User unknown in virtual mailbox table",
    "511 sorry, no mailbox here by that name",
    "553 invalid recipient a@aliyun.com",
    "550 The email account that you tried to reach does not exist",
    "550 用户不存在",
    "550 无此用户",
    "550 收件人不存在",
]
NOT_DEAD = [
    ("550 MI:SPB 163 smtp5,D9GowACnv,user not found in the whitelist", "5.7.1"),
    ("554 DT:SPM 163 smtp", "5.7.1"),
    ("550 Mail content denied. Suspected spam", "5.7.1"),
    ("550 IP frequency limited", "5.7.1"),
    ("552 mailbox is full", "5.2.2"),
    ("550 邮箱已满", "5.2.2"),
    ("550 User account is suspended", "5.2.1"),
    ("554 delivery error", ""),
]


@pytest.mark.parametrize("words", [one for one in DEAD if "access denied" not in one and "#5.1.0" not in one])
@pytest.mark.parametrize("given", ["", "5.0.0", "5.2.0", "5.3.0", "5.5.0"])
def test_an_address_that_does_not_exist_is_known_by_words(words: str, given: str) -> None:
    assert status(given, words) == "5.1.1"


@pytest.mark.parametrize(("words", "meant"), NOT_DEAD)
def test_what_is_no_dead_address_is_never_taken_for_one(words: str, meant: str) -> None:
    assert status("", words) == meant
    assert meant not in PERMANENT


def test_a_domain_that_does_not_exist() -> None:
    assert status("5.0.0", "Host or domain name not found. Name service error for name=b.cn") == "5.1.2"


def test_a_status_that_says_something_is_believed_before_words() -> None:
    assert status("5.7.1", "550 user unknown") == "5.7.1"
    assert status("5.1.0", "550 user unknown") == "5.1.0"
    assert status("5.7.0", "550 user unknown") == "5.7.0"
    assert status("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable") == "5.5.0"
    assert status("5.3.0", "553 5.3.0 DNSBL:RBL 521< 192.0.2.7 >_is_blocked") == "5.7.1"
    assert status("", "550 5.2.1 user unknown") == "5.2.1"
    assert status("5.0.0", "smtp; 550-5.1.1 gone") == "5.1.1"
    assert status("5.0.0", "nothing to be read") == "5.0.0"
    assert status("", "version 15.1.1 of something, 5.1.1.2") == ""
