"""What waits too long, was cancelled or is done comes to its end, and the sum stays the total."""

from kernel.store.database import Tx
from notifications.broadcast import broadcast, tidying
from tests.notifications.house import House


async def test_what_is_too_late_expires_and_the_broadcast_ends(tx: Tx, house: House) -> None:
    sent = await house.queued(customers=[await house.customer() for _ in range(3)])
    await tx.execute("update outgoing set state = 'sent' where id = (select min(id::text)::uuid from outgoing)")
    assert (await tidying.tidy(tx, house.settings)).ended == 0
    await tx.execute("update broadcast set expires_at = now() - interval '1 second'")
    done = await tidying.tidy(tx, house.settings)
    assert (done.ended, done.finished) == (2, 1)
    progress = await broadcast.progress(tx, sent, house.settings)
    assert (progress.broadcast.state, progress.counts.expired, progress.counts.sent) == ("done", 2, 1)
    assert progress.done == progress.total == 3


async def test_what_was_cancelled_is_skipped_but_not_what_left(tx: Tx, house: House) -> None:
    sent = await house.queued(customers=[await house.customer() for _ in range(2)])
    await tx.execute("update outgoing set state = 'sent' where id = (select min(id::text)::uuid from outgoing)")
    await broadcast.change(tx, sent, "cancel")
    await tidying.tidy(tx, house.settings)
    assert await house.states(sent) == {"sent": 1, "skipped": 1}
    assert await house.reasons(sent) == {"cancelled": 1}
    assert (await broadcast.find(tx, sent)).state == "cancelled"


async def test_one_that_nobody_has_expanded_is_not_done(tx: Tx, house: House) -> None:
    sent = await house.started(customers=[await house.customer()])
    assert (await tidying.tidy(tx, house.settings)).finished == 0
    assert (await broadcast.find(tx, sent)).finished_at is None
