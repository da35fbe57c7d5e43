"""A broadcast whose e-mails come back in numbers stops and its maker hears of it; one that bounces as usual goes on."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Receipt, ReceiptStatus
from notifications.broadcast import bounces, broadcast
from notifications.broadcast.bounces import MOST, for_good
from notifications.receipt import receipt
from tests.notifications.house import KNOWN, House


async def told(house: House, messages: list[UUID], status: ReceiptStatus, code: str) -> None:
    """A gateway says this of each."""
    now = datetime.now(UTC)
    items = [Receipt(id=one, gateway="g", gateway_id="1", status=status, code=code, at=now) for one in messages]
    await receipt.apply(house.tx, items, KNOWN, house)


async def sent(house: House, people: int) -> tuple[UUID, list[UUID]]:
    """A broadcast of somebody of the staff, all of which left."""
    messages = await house.left(customers=[await house.customer() for _ in range(people)], channels=("email",))
    started: UUID = await house.tx.fetchval("update broadcast set started_by = 'staff:1008' returning id")
    return started, messages


@pytest.mark.parametrize("at_once", [True, False])
async def test_many_in_minutes_stop_it_and_tell_its_maker_once(tx: Tx, house: House, at_once: bool) -> None:
    started, messages = await sent(house, MOST + 5)
    for batch in [messages] if at_once else [[one] for one in messages]:
        await told(house, batch, "rejected", "550 5.7.1")
    assert (await broadcast.find(tx, started)).state == "paused"
    rows = await tx.fetch("select audience, subject, kind, link, title, title_en, body, body_en from notice")
    assert [tuple(row)[:4] for row in rows] == [("staff", "1008", "broadcast", f"/broadcasts/{started}")]
    assert rows[0]["title"].startswith("群发已暂停")
    assert rows[0]["title_en"] == "A broadcast is paused: too many of its e-mails came back"
    assert all(str(started) in rows[0][body] for body in ("body", "body_en"))
    assert await tx.fetchval("select count(*) from audit where action = 'broadcast.pause'") == 1
    assert await tx.fetchval("select count(*) from suppression") == 0


async def test_one_that_has_ended_is_told_of_and_stays_ended(tx: Tx, house: House) -> None:
    started, messages = await sent(house, MOST)
    await tx.execute("update broadcast set state = 'done', finished_at = now()")
    await told(house, messages, "undelivered", "5.1.1")
    assert (await broadcast.find(tx, started)).state == "done"
    assert await tx.fetchval("select count(*) from notice") == 1


async def test_as_many_as_usual_among_many_stop_nothing(tx: Tx, house: House) -> None:
    started, messages = await sent(house, MOST * 12)
    await told(house, messages[MOST:], "accepted", "250 2.0.0")
    await told(house, messages[:MOST], "rejected", "550 5.1.1")
    assert (await broadcast.find(tx, started)).state == "running"


async def test_a_message_that_is_told_of_again_came_back_once(tx: Tx, house: House) -> None:
    started, messages = await sent(house, MOST - 1)
    await told(house, messages * 2, "rejected", "550 5.1.1")
    await told(house, messages, "undelivered", "5.1.1")  # by a mail that came back, too
    assert (await broadcast.find(tx, started)).state == "running"


async def test_what_is_long_past_counts_no_more_and_is_forgotten(tx: Tx, house: House) -> None:
    started, messages = await sent(house, MOST + 1)
    await told(house, messages[: MOST - 1], "rejected", "550 5.1.1")
    await tx.execute("update bounce_tally set minute = minute - interval '11 minutes'")
    await told(house, messages[MOST - 1 :], "rejected", "550 5.1.1")
    assert (await broadcast.find(tx, started)).state == "running"
    await tx.execute("update bounce_tally set minute = minute - interval '61 minutes'")
    await bounces.forget(tx)
    assert await tx.fetchval("select count(*) from bounce_tally") == 0


async def test_text_messages_are_not_counted(tx: Tx, house: House) -> None:
    messages = await house.left(customers=[await house.customer() for _ in range(MOST)])
    await told(house, messages, "undelivered", "5.1.1")
    assert await tx.fetchval("select state from broadcast") == "running"


@pytest.mark.parametrize(
    ("status", "code", "bounced"),
    [
        ("rejected", "550 5.1.1", True), ("rejected", "554", True), ("undelivered", "5.1.1", True),
        ("undelivered", "452 4.2.2", False), ("undelivered", "4.4.7", False), ("rejected", "UNSENDABLE", False),
        ("accepted", "250 2.0.0", False), ("expired", "EXPIRED", False), ("rejected", "554 at DATA", True),
    ],
)  # fmt: skip
def test_what_is_a_bounce(status: ReceiptStatus, code: str, bounced: bool) -> None:
    assert for_good(status, code) is bounced
