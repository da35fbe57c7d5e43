"""A lease is sealed in the database, and ends in a message that was taken over or is back in its queue."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.queues import Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.messaging.outbound import Sms
from notifications.gateway import lease
from notifications.gateway.lease import Wanted, give_back, hold, settle, take

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
WANTED = Wanted("cmcc-1", "service", 10, 60)


def sms(number: int) -> Sms:
    """A message that may be sent for years."""
    return Sms(id=UUID(f"019a3b5e-0000-7000-8000-{number:012d}"), purpose="service", to="+8613800009999",
               sender="10690000", text="【Hexad】您好", segments=1, created_at=NOW,
               expires_at=NOW + timedelta(days=9999), attempt=1)  # fmt: skip


class Nowhere:
    """A broker that takes nothing, or remembers what it took; `meanwhile` is done while it has not answered yet."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    def __init__(self, *, away: bool = False) -> None:
        self.away, self.taken = away, list[Message]()

    async def publish(self, queue: Queue, messages: list[Message]) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.away:
            raise Unavailable
        self.taken += messages


async def ended(tx: Tx) -> None:
    """Time passes until every lease is over."""
    await tx.execute("update sms_lease set until = now() - interval '1 second'")


async def test_neither_number_nor_text_can_be_read_in_the_database(tx: Tx, settings: Settings) -> None:
    await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)])
    row = await tx.fetchrow("select * from sms_lease")
    assert row is not None
    assert b"13800009999" not in row["sealed"]
    assert "您好".encode() not in row["sealed"]


async def leases(database: Database, settings: Settings, *numbers: int) -> UUID:
    """A lease of these messages."""
    lease_id = uuid4()
    async with database.transaction() as tx:
        await hold(tx, Fields(settings), WANTED, lease_id, [sms(number) for number in numbers])
    return lease_id


async def over(database: Database) -> None:
    async with database.transaction() as tx:
        await ended(tx)


async def acknowledged(database: Database, lease_id: UUID, number: int) -> bool:
    async with database.transaction() as tx:
        return sms(number).id in await settle(tx, "cmcc-1", lease_id, [sms(number).id])


async def back(database: Database, broker: Nowhere, fields: Fields, *lost: UUID) -> int:
    """What the relay does; of these messages it hears that nobody can read them."""
    told: list[UUID] = []

    async def lose(tx: Tx, ids: Collection[UUID]) -> None:
        told.extend(ids)

    ended = await give_back(database, broker, fields, lose)  # type: ignore[arg-type]
    assert told == list(lost)
    return ended


async def left(database: Database) -> int:
    async with database.transaction() as tx:
        return int(await tx.fetchval("select count(*) from sms_lease"))


async def test_what_was_settled_is_forgotten_and_the_rest_goes_back(database: Database, own_settings: Settings) -> None:
    broker, fields = Nowhere(), Fields(own_settings)
    lease_id = await leases(database, own_settings, 1, 2)
    assert await acknowledged(database, lease_id, 1)
    assert await back(database, broker, fields) == 0
    await over(database)
    assert not await acknowledged(database, lease_id, 2)
    assert await back(database, broker, fields) == 2
    assert [msgspec.json.decode(one.body, type=Sms) for one in broker.taken] == [sms(2)]
    assert await left(database) == 0


async def test_one_message_that_cannot_be_read_keeps_no_other_from_coming_back(
    database: Database, own_settings: Settings
) -> None:
    await leases(database, own_settings, 1, 2, 3)
    await over(database)
    async with database.transaction() as tx:
        spoil = "update sms_lease set sealed = set_bit(sealed, 200, 1 - get_bit(sealed, 200)) where id = $1"
        await tx.execute(spoil, sms(2).id)
    broker = Nowhere()
    assert await back(database, broker, Fields(own_settings), sms(2).id) == 3
    assert {one.id for one in broker.taken} == {str(sms(1).id), str(sms(3).id)}
    assert await left(database) == 0


async def test_nothing_is_forgotten_while_the_broker_is_away_and_it_goes_back_at_once_when_it_is_here(
    database: Database, own_settings: Settings
) -> None:
    await leases(database, own_settings, 1)
    await over(database)
    with pytest.raises(Unavailable):
        await back(database, Nowhere(away=True), Fields(own_settings))
    assert await left(database) == 1
    assert await back(database, Nowhere(), Fields(own_settings)) == 1


async def test_while_the_broker_has_not_answered_no_row_is_held_and_nobody_can_acknowledge(
    database: Database, own_settings: Settings
) -> None:
    """Even one who asked before the lease was over, and was slow."""
    lease_id, broker, fields = await leases(database, own_settings, 1), Nowhere(), Fields(own_settings)
    await over(database)
    seen: list[object] = []

    async def meanwhile() -> None:
        async with database.transaction() as tx:
            await tx.execute("set local lock_timeout = '1ms'")
            seen.append(await tx.fetchval("select count(*) from (select from sms_lease for update nowait) as rows"))
            await tx.execute("update sms_lease set until = now() + interval '1 minute'")
            seen.append(await settle(tx, "cmcc-1", lease_id, [sms(1).id]))
            await ended(tx)
        seen.append(await back(database, Nowhere(), fields))

    broker.meanwhile = meanwhile
    assert await back(database, broker, fields) == 1
    assert seen == [1, frozenset(), 0], "free, nobody's, and of one relay alone"


async def test_what_died_with_it_is_given_back_by_another_when_its_claim_is_over(
    database: Database, own_settings: Settings
) -> None:
    await leases(database, own_settings, 1)
    await over(database)
    broker, fields = Nowhere(), Fields(own_settings)

    async def dies() -> None:
        raise asyncio.CancelledError

    broker.meanwhile = dies
    with pytest.raises(asyncio.CancelledError):
        await back(database, broker, fields)
    assert await back(database, Nowhere(), fields) == 0
    async with database.transaction() as tx:
        await tx.execute("update sms_lease set taken_back_until = now() - interval '1 second'")
    assert await back(database, Nowhere(), fields) == 1


async def test_what_is_leased_again_before_it_is_removed_stays_with_whoever_has_it(
    database: Database, own_settings: Settings
) -> None:
    await leases(database, own_settings, 1)
    await over(database)
    broker, again = Nowhere(), list[UUID]()

    async def meanwhile() -> None:
        again.append(await leases(database, own_settings, 1))

    broker.meanwhile = meanwhile
    await back(database, broker, Fields(own_settings))
    assert await left(database) == 1
    assert await acknowledged(database, again[0], 1)


async def test_a_message_whose_lease_has_ended_may_be_leased_before_it_is_back(tx: Tx, settings: Settings) -> None:
    await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)])
    assert await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)]) == []
    await ended(tx)
    assert await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1), sms(1)]) == [sms(1)]


async def test_what_cannot_be_read_is_told_apart(own_settings: Settings) -> None:
    async with open_queues(own_settings) as queues:
        await queues.publish(lease.queue("service"), [Message(b"[]"), Message(msgspec.json.encode(sms(1)))])
        taken = await take(queues, WANTED)
        assert [one for _, one in taken.messages] == [sms(1)]
        assert [delivery.body for delivery, _ in taken.unreadable] == [b"[]"]
