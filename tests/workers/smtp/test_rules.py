"""What is done with a message, and what an answer means, follows from what is known and from the clock alone."""

from datetime import UTC, datetime, timedelta

import pytest

from mobile_contracts.outbound import Receipt
from tests.workers.smtp.test_letter import email
from workers.smtp.journal import Attempt
from workers.smtp.rules import TRIES, decide, ending

NOW = datetime.now(UTC)


def known(status: str | None = None, *, again_in: float | None = None, attempt: int = 1, code: str = "") -> Attempt:
    again_at = None if again_in is None else NOW + timedelta(seconds=again_in)
    return Attempt(email().id, attempt, 1, 0, status, code, "ABC", again_at)


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
    assert decide(email(), known(again_in=60), NOW) == "wait"
    assert decide(email(), known(again_in=-1), NOW) == "send"


def test_an_answer_for_good_names_the_relays_own_code_and_nothing_it_said() -> None:
    accepted = ending(email(), 250, "2.0.0 Ok: queued as 4XyZ-1", 1)
    assert (accepted.status, accepted.code, accepted.gateway_id) == ("accepted", "250 2.0.0", "4XyZ-1")
    rejected = ending(email(), 550, "5.1.1 <li.lei@b.cn>: user unknown", 1)
    assert (rejected.status, rejected.code, rejected.gateway_id) == ("rejected", "550 5.1.1", "")
    assert ending(email(), 554, "no", 1).code == "554"


def test_a_repeat_is_said() -> None:
    assert ending(email(), 250, "2.0.0 Ok", 2, repeated=True).code == "250 2.0.0 again"


def test_later_is_later_each_time_and_ends_after_some_hours() -> None:
    waits = [ending(email(), 452, "4.2.2 full", tries).again_in or 0 for tries in range(1, TRIES)]
    assert waits == sorted(waits)
    assert waits[0] == 60
    assert max(waits) == 3600
    assert 6 * 3600 < sum(waits) < 9 * 3600
    assert ending(email(), 452, "4.2.2 full", TRIES).status == "undelivered"
