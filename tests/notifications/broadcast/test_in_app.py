"""A message inside the app is a notice under its own id, which is told at once."""

from kernel.store.database import Tx
from notifications.broadcast import broadcast, dispatch, in_app
from notifications.template.words import Words
from tests.notifications.house import House


async def test_each_gets_a_notice_in_their_language_once(tx: Tx, house: House) -> None:
    anna, bob = await house.customer(no="A1", name="王一"), await house.customer(no="B1", name="Bob")
    await tx.execute("insert into preference (customer_id, language) values ($1, 'en')", bob)
    sent = await house.queued(template="birthday", customers=[anna, bob], channels=("in_app",))
    one, words = next(one for one in await dispatch.list_open(tx) if one.id == sent), Words(house.settings)
    assert await in_app.give(tx, words, one, 10) == 2
    assert await in_app.give(tx, words, one, 10) == 0
    notices = await tx.fetch("select subject, kind, body from notice join outgoing using (id) order by subject")
    assert [tuple(row) for row in notices] == [
        ("A1", "test", "尊敬的王一,祝您生日快乐!"), ("B1", "test", "Dear Bob, happy birthday!"),
    ]  # fmt: skip
    assert await house.states(sent) == {"delivered": 2}
    assert await tx.fetchval("select count(*) from outbox where kind = 'NoticeGiven'") == 2


async def test_a_paused_one_waits(tx: Tx, house: House) -> None:
    sent = await house.queued(customers=[await house.customer()], channels=("in_app",))
    one = next(one for one in await dispatch.list_open(tx) if one.id == sent)
    await broadcast.change(tx, sent, "pause")
    assert await in_app.give(tx, Words(house.settings), one, 10) == 0
