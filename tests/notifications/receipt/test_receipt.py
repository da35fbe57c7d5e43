"""Receipts move a message forward only: repeated, shuffled, early or forged, the end is the same."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus
from notifications.receipt import receipt
from notifications.receipt.receipt import RANK, Outcome
from tests.notifications.house import KNOWN, House

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
STATE = {"accepted": "sent", "rejected": "failed"}
STATUSES: tuple[ReceiptStatus, ...] = ("accepted", "delivered", "undelivered", "rejected", "expired")


def said(message: UUID, status: ReceiptStatus, *, gateway: str = "g", code: str = "", at: datetime = NOON) -> Receipt:
    """What a gateway says."""
    return Receipt(id=message, gateway=gateway, gateway_id="7", status=status, code=code, at=at)


async def one_message(house: House, state: str = "sent") -> UUID:
    """A message to a new customer, in this state, which may not be sent again."""
    sent = await house.queued(customers=[await house.customer()])
    found: UUID = await house.tx.fetchval(
        "update outgoing set state = $2, attempt = 5 where broadcast_id = $1 returning id", sent, state
    )
    return found


async def state_of(tx: Tx, message: UUID) -> tuple[str, str | None]:
    """State and reason."""
    row = await tx.fetchrow("select state, reason from outgoing where id = $1", message)
    return tuple(row)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=8), st.sampled_from(["queued", "sending", "unknown"]))
async def test_whatever_comes_in_whatever_order_the_highest_rank_stays(
    tx: Tx, house: House, statuses: list[ReceiptStatus], before: str
) -> None:
    message = await one_message(house, before)
    seen = []
    for place, status in enumerate(statuses):
        await receipt.apply(tx, [said(message, status, at=NOON + timedelta(seconds=place % 3))], KNOWN, house)
        seen.append(RANK[(await state_of(tx, message))[0]])
    assert seen == sorted(seen), "never back"
    assert seen[-1] == max(RANK[STATE.get(status, status)] for status in statuses)


async def test_ten_times_shuffled_in_one_batch_counts_each_once(tx: Tx, house: House) -> None:
    message = await one_message(house)
    for order in list(permutations(("accepted", "delivered", "undelivered")))[:3]:
        outcomes = await receipt.apply(tx, [said(message, status) for status in order * 10], KNOWN, house)  # type: ignore[arg-type]
        assert outcomes == [Outcome(ok=True)] * 30
    assert await state_of(tx, message) == ("delivered", None)
    kept = await tx.fetch("select status, times from receipt where message_id = $1", message)
    assert {tuple(row) for row in kept} == {("accepted", 30), ("delivered", 30), ("undelivered", 30)}


async def test_a_forged_receipt_moves_nothing_and_is_kept(tx: Tx, house: House) -> None:
    message, nobody = await one_message(house), uuid4()
    words = [said(message, "delivered", gateway="evil"), said(nobody, "delivered"), said(message, "undelivered")]
    outcomes = await receipt.apply(tx, words, KNOWN, house)
    assert [one.code for one in outcomes] == ["unknown_gateway", "unknown_id", ""]
    assert (await state_of(tx, message))[0] == "undelivered"
    kept = await tx.fetch("select problem from receipt where problem is not null order by problem")
    assert [row[0] for row in kept] == ["unknown_gateway", "unknown_id"]


@pytest.mark.parametrize("status", STATUSES)
async def test_what_was_never_made_is_moved_by_nobody(tx: Tx, house: House, status: ReceiptStatus) -> None:
    """Of a message without a number, or of a cancelled one, nothing that is said can be true: it is only kept."""
    message = await one_message(house)
    await tx.execute("update outgoing set state = 'skipped', reason = 'no_mobile', attempt = 0 where id = $1", message)
    await receipt.apply(tx, [said(message, status)], KNOWN, house)
    assert await state_of(tx, message) == ("skipped", "no_mobile")
    assert await tx.fetchval("select times from receipt where message_id = $1", message) == 1
    await tx.execute("update outgoing set content = 'x' where id = $1", message)
    await receipt.apply(tx, [said(message, "delivered", at=NOON + timedelta(seconds=1))], KNOWN, house)
    assert await state_of(tx, message) == ("delivered", None), "made, and handed over before it was skipped"


async def test_a_gateway_speaks_for_its_channels_alone(tx: Tx, house: House) -> None:
    text = await one_message(house)
    letter: UUID = await tx.fetchval(
        "update outgoing set state = 'sent' where broadcast_id = $1 returning id",
        await house.queued(customers=[await house.customer()], channels=("email",)),
    )
    hook = {"hook": frozenset(("email",))}
    outcomes = await receipt.apply(tx, [said(text, "delivered", gateway="hook")], hook, house)
    outcomes += await receipt.apply(tx, [said(letter, "delivered", gateway="hook")], hook, house)
    assert [one.code for one in outcomes] == ["other_gateway", ""]
    assert await state_of(tx, text) == ("sent", None)
    assert await state_of(tx, letter) == ("delivered", None)


async def test_what_another_gateway_holds_on_a_lease_is_not_settled(tx: Tx, house: House) -> None:
    message = await one_message(house)
    await tx.execute("insert into sms_leased (id, gateway) values ($1, 'a')", message)
    both = {"a": frozenset(("sms",)), "b": frozenset(("sms",))}
    first = await receipt.apply(tx, [said(message, "undelivered", gateway="b")], both, house)
    assert (first, await state_of(tx, message)) == ([Outcome(ok=False, code="other_gateway")], ("sent", None))
    await tx.execute("update sms_leased set returned = true")
    await receipt.apply(tx, [said(message, "accepted", gateway="b")], both, house)
    await tx.execute("insert into sms_leased (id, gateway) values ($1, 'c')", message)
    again = [said(message, "delivered", gateway=one) for one in "ba"]
    assert [one.ok for one in await receipt.apply(tx, again, both, house)] == [False, True]
    assert (await state_of(tx, message))[0] == "delivered", "who had it before may have sent it"


@pytest.mark.parametrize("together", [True, False])
async def test_what_was_not_believed_keeps_no_word_of_the_true_gateway_from_being_news(
    tx: Tx, house: House, together: bool
) -> None:
    message = await one_message(house)
    word = said(message, "delivered")
    if together:
        outcomes = await receipt.apply(tx, [word, word], KNOWN, house, forged=[0])
    else:
        outcomes = await receipt.apply(tx, [word], KNOWN, house, forged=[0])
        assert (await state_of(tx, message))[0] == "sent"
        assert await tx.fetchval("select problem from receipt") == "other_gateway"
        outcomes += await receipt.apply(tx, [word], KNOWN, house)
    assert [one.code for one in outcomes] == ["other_gateway", ""]
    assert (await state_of(tx, message))[0] == "delivered"
    await receipt.apply(tx, [word], KNOWN, house, forged=[0])
    assert tuple(await tx.fetchrow("select times, problem from receipt")) == (3, None)  # type: ignore[arg-type]


async def test_two_words_of_one_moment_that_differ_in_their_code_are_two(tx: Tx, house: House) -> None:
    (message,) = await house.left(customers=[await house.customer()])
    await receipt.apply(tx, [said(message, "undelivered", code="4.2.2")], KNOWN, house)
    await receipt.apply(tx, [said(message, "undelivered", code="COMPLAINT")], KNOWN, house)
    assert await tx.fetchval("select reason from suppression") == "complaint"


async def test_what_an_unnamed_gateway_said_is_taken_when_it_is_named(tx: Tx, house: House) -> None:
    message, other = await one_message(house), await one_message(house)
    await receipt.apply(
        tx, [said(message, "delivered", gateway="new"), said(other, "delivered", gateway="evil")], KNOWN, house
    )
    named = {**KNOWN, "new": frozenset(("sms",))}
    ids = await receipt.list_named(tx, named, [], 10)
    assert await receipt.list_named(tx, named, ids, 10) == []
    assert await receipt.apply_named(tx, named, house, ids) == 1
    assert await receipt.apply_named(tx, named, house, ids) == 0
    assert await receipt.list_named(tx, named, [], 10) == []
    assert [(await state_of(tx, one))[0] for one in (message, other)] == ["delivered", "sent"]
    rows = await tx.fetch("select gateway, times, problem from receipt order by gateway")
    assert [tuple(row) for row in rows] == [("evil", 1, "unknown_gateway"), ("new", 1, None)]


async def test_one_for_a_code_by_sms_is_nobodys_forgery(tx: Tx, house: House) -> None:
    code: UUID = await tx.fetchval(
        "insert into one_time_code (id, purpose, audience, subject, device_id, hash, address, expires_at)"
        " values (uuidv7(), 'sign_in', 'investor', '1', 'd', '', 'a', now()) returning id"
    )
    assert await receipt.apply(tx, [said(code, "delivered")], KNOWN, house) == [Outcome(ok=True)]


async def test_what_expired_at_the_gateway_goes_again_while_it_may(tx: Tx, house: House) -> None:
    message = await one_message(house)
    await tx.execute("update outgoing set attempt = 1 where id = $1", message)
    await tx.execute("update broadcast set state = 'done', finished_at = now()")
    early = said(message, "expired")
    await receipt.apply(tx, [early], KNOWN, house)
    assert (await state_of(tx, message))[0] == "queued"
    assert await tx.fetchval("select state from broadcast where finished_at is null") == "running"
    await tx.execute("update outgoing set attempt = 2, state = 'sent' where id = $1", message)
    await receipt.apply(tx, [early], KNOWN, house)
    assert (await state_of(tx, message))[0] == "sent", "the first attempt's end is not the second one's"
    await tx.execute("update outgoing set attempt = 5 where id = $1", message)
    await receipt.apply(tx, [said(message, "expired", at=NOON + timedelta(hours=1))], KNOWN, house)
    assert (await state_of(tx, message))[0] == "expired"


@pytest.mark.parametrize(
    ("code", "reason"),
    [("550 5.1.1", "hard_bounce"), ("5.1.2", "hard_bounce"), ("5.1.3", "hard_bounce"), ("550 5.1.6", "hard_bounce"),
     ("5.1.10", "hard_bounce"), ("complaint", "complaint"), ("4.2.2", None), ("15.1.1", None), ("5.1.11", None),
     ("553 5.1.8", None), ("5.1.7", None), ("5.1.0", None), ("5.1.4", None), ("5.7.1", None), ("4.1.1", None),
     ("554 at DATA", None), ("UNSENDABLE", None)],
)  # fmt: skip
async def test_an_address_that_is_dead_or_complained_gets_no_more(
    tx: Tx, house: House, code: str, reason: str | None
) -> None:
    (message,) = await house.left(customers=[await house.customer()], channels=("email",))
    await receipt.apply(tx, [said(message, "undelivered", code=code)], KNOWN, house)
    assert await tx.fetchval("select reason from suppression") == reason
    assert await state_of(tx, message) == ("undelivered", code)


async def test_nothing_is_nothing(tx: Tx, house: House) -> None:
    assert await receipt.apply(tx, [], {}, house) == []
    assert msgspec.to_builtins(Outcome(ok=True)) == {"ok": True, "code": ""}
