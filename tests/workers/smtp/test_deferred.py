"""What waits is sealed, in one pair of hands at a time, and never longer than it is good."""

from datetime import UTC, datetime, timedelta

import msgspec

from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from tests.workers.smtp.test_letter import email
from workers.smtp.deferred import claim, count, opened, put, remove, renew


async def test_it_waits_for_its_time_and_comes_as_it_was(tx: Tx, settings: Settings) -> None:
    fields, one, other = Fields(settings), email(1), email(2)
    await put(tx, fields, [one, other], [-1.0, 60.0])
    (due,) = await claim(tx, 60, 10)
    assert opened(fields, due) == one
    assert b"li.lei" not in due.sealed
    assert await claim(tx, 60, 10) == []
    await remove(tx, [one.id])
    assert await count(tx) == 1


async def test_it_waits_no_longer_than_it_is_good(tx: Tx, settings: Settings) -> None:
    await put(tx, Fields(settings), [email(1, lives=60)], [3600.0])
    due: datetime = await tx.fetchval("select due_at from email_deferred")
    assert due < datetime.now(UTC) + timedelta(seconds=90)


async def test_two_senders_share_what_is_due(database: Database, settings: Settings) -> None:
    async with database.transaction() as tx:
        await put(tx, Fields(settings), [email(number) for number in range(1, 7)], [-1.0] * 6)
    async with database.transaction() as one, database.transaction() as other:
        first, second = await claim(one, 60, 4), await claim(other, 60, 4)
    assert (len(first), len(second)) == (4, 2)
    assert not {row.id for row in first} & {row.id for row in second}


async def test_the_newest_attempt_is_kept_and_what_does_not_wait_is_not_there(tx: Tx, settings: Settings) -> None:
    fields = Fields(settings)
    await put(tx, fields, [email(1, attempt=2)], [-1.0])
    assert await renew(tx, fields, [email(1, attempt=1), email(2)]) == {email(1).id}
    assert await renew(tx, fields, [email(1, attempt=3)]) == {email(1).id}
    (due,) = await claim(tx, 60, 10)
    found = opened(fields, due)
    assert found is not None
    assert found.attempt == 3


async def test_what_was_altered_is_nobodys_message(tx: Tx, settings: Settings) -> None:
    fields = Fields(settings)
    await put(tx, fields, [email(1)], [-1.0])
    (due,) = await claim(tx, 60, 10)
    assert opened(fields, msgspec.structs.replace(due, sealed=due.sealed[:-1] + b"?")) is None
    assert opened(fields, msgspec.structs.replace(due, id=email(2).id)) is None
