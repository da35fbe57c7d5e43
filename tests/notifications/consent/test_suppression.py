"""Nothing more goes where a message came back from, which is where it went and not where the customer is today."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from kernel.errors import NotFound
from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus
from mobile_contracts.messaging.template import Channel
from notifications.consent import suppression
from notifications.consent.suppression import SuppressionCursor
from notifications.receipt import receipt
from tests.notifications.house import KNOWN, House


async def bounce(house: House, *messages: UUID, code: str = "5.1.1") -> None:
    """A gateway says that these came back."""
    await receipt.apply(house.tx, [came_back(one, code=code) for one in messages], KNOWN, house)


def came_back(message: UUID, *, status: ReceiptStatus = "undelivered", code: str = "5.1.1") -> Receipt:
    """What a gateway says of one message."""
    return Receipt(id=message, gateway="g", gateway_id="1", status=status, code=code, at=datetime.now(UTC))


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_what_bounces_is_the_address_that_it_went_to(tx: Tx, house: House, channel: Channel) -> None:
    person = await house.customer(no="88010001", email="old@b.cn", mobile="+8613900000001")
    (message,) = await house.left(customers=[person], channels=(channel,))
    index = house.index.of("mobile", "+8613900000002")
    await tx.execute("update customer set email = 'new@b.cn', mobile_index = $1", index)
    await bounce(house, message)
    (found,) = await suppression.list_some(tx, None, SuppressionCursor(), 10)
    assert (found.customer_no, found.channel, found.reason, found.current) == (
        "88010001",
        channel,
        "hard_bounce",
        False,
    )
    again = await house.queued(customers=[person], channels=(channel,), once="again")
    assert await house.states(again) == {"queued": 1}
    await tx.execute(
        "update customer set email = 'OLD@b.cn', mobile_index = $1", house.index.of("mobile", "+8613900000001")
    )
    back = await house.queued(customers=[person], channels=(channel,), once="back")
    assert await house.reasons(back) == {"suppressed": 1}


async def test_one_that_cannot_be_read_harms_no_other(tx: Tx, house: House) -> None:
    people = [await house.customer() for _ in range(2)]
    messages = await house.left(customers=people, channels=("email",))
    await tx.execute("update outgoing set content = set_byte(content, 40, 255 - get_byte(content, 40)) where id = $1",
                     messages[0])  # fmt: skip
    await bounce(house, *messages)
    (found,) = await suppression.list_some(tx, None, SuppressionCursor(), 10)
    assert found.message_id == messages[1]
    assert await tx.fetchval("select count(*) from outgoing where state = 'undelivered'") == 2


async def test_what_never_left_suppresses_nothing(tx: Tx, house: House) -> None:
    sent = await house.queued(customers=[await house.customer()], channels=("email",))
    await bounce(house, await tx.fetchval("select id from outgoing where broadcast_id = $1", sent))
    assert await suppression.list_some(tx, None, SuppressionCursor(), 10) == []


async def test_lifted_messages_go_again_until_they_bounce_again_and_the_audit_tells(tx: Tx, house: House) -> None:
    person = await house.customer(no="88010001")
    (message,) = await house.left(customers=[person], channels=("email",))
    await bounce(house, message)
    (found,) = await suppression.list_some(tx, "88010001", SuppressionCursor(), 10)
    assert found.current
    with pytest.raises(NotFound):
        await suppression.lift(tx, "88010002", found.id, "another customer")
    await suppression.lift(tx, "88010001", found.id, "the mailbox works again")
    with pytest.raises(NotFound):
        await suppression.lift(tx, "88010001", found.id, "the mailbox works again")
    row = await tx.fetchrow("select action, noun_id, reason, before->>'reason' from audit order by id desc limit 1")
    assert tuple(row) == ("suppression.lift", "88010001", "the mailbox works again", "hard_bounce")  # type: ignore[arg-type]
    (later,) = await house.left(customers=[person], channels=("email",), once="again")
    await bounce(house, later)
    assert len(await suppression.list_some(tx, None, SuppressionCursor(), 10)) == 1


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_complaint_after_a_bounce_stays_when_the_bounce_is_lifted(
    tx: Tx, house: House, *, at_once: bool
) -> None:
    person = await house.customer(no="88010001")
    (message,) = await house.left(customers=[person], channels=("email",))
    told = [came_back(message), came_back(message, status="delivered", code="COMPLAINT")]
    for some in [told] if at_once else [[one] for one in told]:
        await receipt.apply(house.tx, some, KNOWN, house)
    found = {one.reason: one for one in await suppression.list_some(tx, "88010001", SuppressionCursor(), 10)}
    assert set(found) == {"hard_bounce", "complaint"}
    assert {one.message_id for one in found.values()} == {message}
    await suppression.lift(tx, "88010001", found["hard_bounce"].id, "the mailbox works again")
    again = await house.queued(customers=[person], channels=("email",), once="again")
    assert await house.reasons(again) == {"suppressed": 1}
    await suppression.lift(tx, "88010001", found["complaint"].id, "they wrote that it was a mistake")
    back = await house.queued(customers=[person], channels=("email",), once="back")
    assert await house.states(back) == {"queued": 1}
