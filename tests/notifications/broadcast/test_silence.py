"""What was sent and never answered for is unknown when its time is long over, and counted so; nothing else is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from kernel.settings import Settings
from kernel.store.database import Tx
from notifications.broadcast import broadcast, dispatch, silence, tidying
from notifications.receipt import receipt
from tests.notifications.house import KNOWN, House
from tests.notifications.receipt.test_receipt import said, state_of

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


async def sent(house: House, channel: str, people: int) -> tuple[UUID, list[UUID]]:
    """A broadcast all of whose messages were sent, in good time, and their ids."""
    customers = [await house.customer() for _ in range(people)]
    made = await house.queued(customers=customers, channels=(channel,))
    rows = await house.tx.fetch(
        "update outgoing set state = 'sent', attempt = 1 where broadcast_id = $1 returning id", made
    )
    return made, [row["id"] for row in rows]


async def over(tx: Tx, settings: Settings, *, by: float) -> None:
    """Every broadcast has ended, and expired so many seconds ago."""
    await tx.execute("update broadcast set created_at = created_at - interval '90 days'")
    await tx.execute("update broadcast set expires_at = $1", datetime.now(UTC) - timedelta(seconds=by))
    await tidying.tidy(tx, settings)


async def settled(tx: Tx, settings: Settings) -> int:
    """How many messages became unknown until there was nothing left to do."""
    number = 0
    while found := await silence.find(tx, settings):
        assert await silence.find(tx, settings, [found]) != found
        number += await silence.settle(tx, found)
    return number


async def test_a_text_message_without_its_last_receipt_is_unknown_in_the_end(
    tx: Tx, house: House, settings: Settings
) -> None:
    made, (first, second, third) = await sent(house, "sms", 3)
    await receipt.apply(tx, [said(first, "accepted"), said(second, "delivered")], KNOWN, house)
    await over(tx, settings, by=settings.silent_after - 60)
    assert await settled(tx, settings) == 0, "a receipt may still come"
    await over(tx, settings, by=settings.silent_after + 60)
    assert await settled(tx, settings) == 2
    assert [await state_of(tx, one) for one in (first, second, third)] == [
        ("unknown", "no_receipt"), ("delivered", None), ("unknown", "no_receipt"),
    ]  # fmt: skip
    progress = await broadcast.progress(tx, made, settings)
    assert (progress.broadcast.state, progress.done, progress.total) == ("done", 3, 3)
    assert (progress.counts.unknown, progress.counts.sent) == (2, 0)


async def test_what_is_unknown_for_good_is_not_offered_again_and_hears_a_late_last_word(
    tx: Tx, house: House, settings: Settings
) -> None:
    made, (first, second) = await sent(house, "sms", 2)
    await over(tx, settings, by=settings.silent_after + 60)
    assert await settled(tx, settings) == 2
    await tidying.tidy(tx, msgspec.structs.replace(settings, reconcile_after=0.001))
    assert made not in [one.id for one in await dispatch.list_open(tx)]
    await receipt.apply(tx, [said(first, "accepted"), said(second, "undelivered", code="X")], KNOWN, house)
    assert await state_of(tx, first) == ("unknown", "no_receipt"), "no last word: it would be sent for ever"
    assert await state_of(tx, second) == ("undelivered", "X")


async def test_an_e_mail_that_a_relay_took_stays_sent(tx: Tx, house: House, settings: Settings) -> None:
    _, (first, second, third) = await sent(house, "email", 3)
    await receipt.apply(tx, [said(first, "accepted"), said(second, "accepted", gateway="evil")], KNOWN, house)
    await over(tx, settings, by=settings.silent_after + 60)
    assert await settled(tx, settings) == 2
    states = [(await state_of(tx, one))[0] for one in (first, second, third)]
    assert states == ["sent", "unknown", "unknown"]


async def test_a_broadcast_is_looked_at_until_it_is_done_and_then_no_more(
    tx: Tx, house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "_BATCH", 2)
    await sent(house, "sms", 5)
    await over(tx, settings, by=settings.silent_after + 60)
    turns = []
    while found := await silence.find(tx, settings):
        turns.append(await silence.settle(tx, found))
    assert turns == [2, 2, 1]
    await tx.execute("set local enable_seqscan = off")  # there are too few rows here to be worth an index
    plan = await tx.fetch(
        "explain select id from broadcast where silent_at is null and finished_at is not null"
        " and expires_at < clock_timestamp() order by expires_at limit 1"
    )
    assert "broadcast_silent" in "\n".join(row[0] for row in plan)
