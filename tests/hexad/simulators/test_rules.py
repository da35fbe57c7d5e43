"""What the simulated gateway answers, for every way in which it may misbehave."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import uuid_utils.compat as uuid
from hypothesis import given
from hypothesis import strategies as st

from hexad.simulators.rules import GATEWAY, Manner, answers, manner
from kernel.errors import Misconfigured
from mobile_contracts.messaging.outbound import Sms

NOW, PLAIN = datetime(2026, 11, 22, 9, tzinfo=UTC), Manner()


def sms(to: str = "+8613800009999", expires_in: float = 60, sms_id: UUID | None = None) -> Sms:
    """A message to a number."""
    return Sms(
        id=sms_id or uuid.uuid7(), purpose="service", to=to, sender="10690000", text="【华信】您好", segments=1,
        created_at=NOW, expires_at=NOW + timedelta(seconds=expires_in), attempt=1,
    )  # fmt: skip


def statuses(message: Sms, manner: Manner = PLAIN) -> list[str]:
    """The statuses of the receipts, in order."""
    return [receipt.status for receipt in answers(message, NOW, manner)]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("+8613800009999", ["accepted", "delivered"]),
        ("+8613800000001", ["accepted", "undelivered"]),
        ("+8613800000002", ["rejected"]),
        ("+8613800000003", ["accepted", "expired"]),
    ],
)
def test_the_last_digits_decide_how_it_ends(to: str, expected: list[str]) -> None:
    assert statuses(sms(to)) == expected


@pytest.mark.parametrize("late", [0.0, -1.0])
def test_nothing_is_sent_once_it_has_expired(late: float) -> None:
    assert statuses(sms(expires_in=late)) == ["expired"]


def test_the_last_receipt_comes_later_by_the_delay() -> None:
    first, last = answers(sms(), NOW, Manner(delay=30))
    assert (first.at, last.at) == (NOW, NOW + timedelta(seconds=30))


@given(st.floats(0, 1), st.floats(0, 1), st.booleans(), st.uuids(version=4).map(lambda one: one.int))
def test_a_repeated_message_gets_the_same_answers_under_its_own_id(
    duplicate: float, refuse: float, shuffle: bool, seed: int
) -> None:
    message = sms(sms_id=UUID(int=seed & ~(0xF << 76) | 7 << 76))
    odd = Manner(duplicate=duplicate, refuse=refuse, shuffle=shuffle)
    first = answers(message, NOW, odd)
    assert answers(message, NOW, odd) == first
    assert {(one.id, one.gateway) for one in first} == {(message.id, GATEWAY)}
    assert {one.status for one in first} in ({"accepted", "delivered"}, {"rejected"})


def test_a_manner_is_written_in_a_word_and_an_option_goes_before_it() -> None:
    written = manner(" delay=2, duplicate=0.1,shuffle", duplicate=0.5, refuse=None)
    assert written == Manner(delay=2, duplicate=0.5, shuffle=True)
    assert manner("") == PLAIN


@pytest.mark.parametrize("wrong", ["delay=soon", "refuse=2", "lose=1", "delay=nan", "delay"])
def test_what_is_no_manner_is_said(wrong: str) -> None:
    with pytest.raises(Misconfigured, match="is no manner of a simulator"):
        manner(wrong)


def test_shares_are_kept_over_many_messages() -> None:
    many = [sms() for _ in range(400)]
    refused = sum(statuses(one, Manner(refuse=0.25)) == ["rejected"] for one in many)
    doubled = sum(len(statuses(one, Manner(duplicate=1))) == 4 for one in many)
    assert 60 < refused < 140
    assert doubled == 400


def test_shuffled_receipts_come_in_both_orders() -> None:
    orders = {tuple(statuses(sms(), Manner(shuffle=True))) for _ in range(50)}
    assert orders == {("accepted", "delivered"), ("delivered", "accepted")}
