"""What is done with a message, and what an answer means, follows from what is known and from the clock alone."""

from datetime import UTC, datetime, timedelta

import pytest

from mobile_contracts.messaging.outbound import Receipt
from tests.workers.smtp.test_letter import email
from workers.smtp.journal import Attempt, Ending
from workers.smtp.rules import TRIES, Answer, Stage, decide, of_us, put_off, words
from workers.smtp.rules import ending as ending_of

NOW = datetime.now(UTC)


def known(status: str | None = None, *, again_in: float | None = None, attempt: int = 1, code: str = "") -> Attempt:
    again_at = None if again_in is None else NOW + timedelta(seconds=again_in)
    return Attempt(email().id, attempt, 1, 0, status, code, "ABC", again_at)


def ending(code: int, message: str, tries: int, stage: Stage = "RCPT", *, repeated: bool = False) -> Ending:
    """What an answer means."""
    return ending_of(email(), Answer(code, message, stage), tries, 60.0, repeated=repeated)


def receipt(decided: object) -> tuple[str, str]:
    """Status and code of a receipt, which it must be."""
    assert isinstance(decided, Receipt)
    assert decided.gateway == "smtp-main"
    return decided.status, decided.code


def test_what_nobody_knows_is_sent() -> None:
    assert decide(email(), None, NOW) == "send"


@pytest.mark.parametrize("status", ["accepted", "rejected", "undelivered"])
def test_what_was_answered_is_not_sent_again_but_answered_again(status: str) -> None:
    decided = decide(email(lives=-3600), known(status, code="250 2.0.0"), NOW)
    assert receipt(decided) == (status, "250 2.0.0")
    assert isinstance(decided, Receipt)
    assert decided.gateway_id == "ABC"


def test_what_could_not_be_delivered_may_be_offered_anew() -> None:
    assert decide(email(attempt=2), known("undelivered"), NOW) == "send"
    assert receipt(decide(email(attempt=2), known("accepted"), NOW))[0] == "accepted"


def test_what_has_expired_is_answered_so_and_never_sent() -> None:
    assert receipt(decide(email(lives=-3600), None, NOW)) == ("expired", "EXPIRED")
    assert receipt(decide(email(lives=-3600), known(), NOW)) == ("expired", "EXPIRED")


def test_what_was_put_off_until_it_expired_could_not_be_delivered() -> None:
    assert receipt(decide(email(lives=-3600), known(again_in=60, code="452 4.2.2"), NOW)) == (
        "undelivered",
        "452 4.2.2",
    )


def test_what_was_put_off_waits_for_its_time() -> None:
    assert decide(email(), known(again_in=60), NOW) == 60
    assert decide(email(), known(again_in=-1), NOW) == "send"


def test_an_answer_for_good_names_the_relays_own_code_and_nothing_it_said() -> None:
    accepted = ending(250, "2.0.0 Ok: queued as 4XyZ-1", 1)
    assert (accepted.status, accepted.code, accepted.gateway_id) == ("accepted", "250 2.0.0", "4XyZ-1")
    rejected = ending(550, "5.1.1 <li.lei@b.cn>: user unknown", 1)
    assert (rejected.status, rejected.code, rejected.gateway_id) == ("rejected", "550 5.1.1", "")
    assert ending(554, "no", 1).code == "554"


def test_a_repeat_is_said() -> None:
    assert ending(250, "2.0.0 Ok", 2, repeated=True).code == "250 2.0.0 again"


def test_later_is_later_each_time_and_ends_after_some_hours() -> None:
    waits = [ending(452, "4.2.2 full", tries).again_in or 0 for tries in range(1, TRIES)]
    assert waits == sorted(waits)
    assert waits[0] == 60
    assert max(waits) == 3600
    assert 6 * 3600 < sum(waits) < 9 * 3600
    assert ending(452, "4.2.2 full", TRIES).status == "undelivered"


@pytest.mark.parametrize(
    ("stage", "code", "message", "about_us"),
    [
        ("MAIL", 553, "5.1.8 <no-reply@firm.cn>: Sender address rejected: Domain not found", True),
        ("MAIL", 550, "no", True),
        ("MAIL", 452, "4.3.1 out of disk", True),
        ("MAIL", 421, "4.7.0 closing", True),
        ("MAIL", 530, "5.7.0 Must issue a STARTTLS command first", True),
        ("RCPT", 553, "5.1.8 <no-reply@firm.cn>: Sender address rejected: Domain not found", True),
        ("RCPT", 450, "4.7.1 Client host rejected: cannot find your reverse hostname", True),
        ("RCPT", 504, "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", True),
        ("RCPT", 530, "5.7.0 Authentication required", True),
        ("RCPT", 554, "5.7.1 <li.lei@b.cn>: Relay access denied", True),
        ("RCPT", 550, "5.7.1 Unable to relay", True),
        ("RCPT", 550, "relay not permitted", True),
        ("RCPT", 550, "5.7.1 <li.lei@b.cn>... Relaying denied", True),
        ("RCPT", 554, "5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org", True),
        ("RCPT", 550, "5.7.1 message content blocked", False),
        ("DATA", 503, "5.5.1 bad sequence of commands", True),
        ("RCPT", 550, "5.1.1 user unknown", False),
        ("RCPT", 421, "4.7.0 not now", False),
        ("RCPT", 550, "5.7.1 refused", False),
        ("RCPT", 550, "5.1.0 no", False),
        ("DATA", 554, "5.7.1 spam", False),
        ("MAIL", 250, "2.1.0 Ok", False),
    ],
)
def test_what_is_said_of_us_decides_nothing_about_a_message(
    stage: Stage, code: int, message: str, about_us: bool
) -> None:
    assert of_us(Answer(code, message, stage)) is about_us
    ended = ending(code, message, TRIES, stage)
    assert (ended.status is None and ended.code == "") is about_us


def test_what_was_put_off_for_our_sake_expires_and_was_not_undeliverable() -> None:
    assert receipt(decide(email(lives=-3600), known(again_in=60), NOW)) == ("expired", "EXPIRED")


def test_it_is_asked_again_soon_for_our_sake_and_less_and_less_often() -> None:
    waits = [put_off(email(), tries).again_in or 0 for tries in (1, 2, 12, 5000)]
    assert waits == [5, 10, 3600, 3600]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("5.1.1 <li.lei@b.cn>: user unknown", "550 5.1.1"),
        ("User not found: li.lei@163.com", "550 5.1.1"),
        ("Mailbox not found. http://service.mail.qq.com/cgi-bin/help", "550 5.1.1"),
        ("5.0.0 用户不存在", "550 5.1.1"),
        ("MI:SPB 163 smtp,Xs,user unknown", "550 5.7.1"),
        ("mailbox is full", "550 5.2.2"),
        ("no", "550"),
    ],
)
def test_a_refusal_without_a_status_is_read_by_its_words(message: str, code: str) -> None:
    assert ending(550, message, 1).code == code


def test_of_an_address_a_relay_speaks_at_rcpt_alone() -> None:
    assert ending(554, "5.1.1 user unknown", 1, "DATA").code == "554 at DATA"
    assert ending(554, "5.7.1 spam", 1, "DATA").code == "554 5.7.1"


def test_the_relays_words_are_told_without_addresses_and_in_one_line() -> None:
    told = words(553, "5.1.8 <no-reply@firm.cn>: Sender\r\naddress rejected, ask admin@relay.cn " + "x" * 500)
    assert told.startswith("553 5.1.8 <…>: Sender address rejected, ask [email]")
    assert len(told) <= 200
