"""A lease is sealed in the database, and ends in a message that was taken over or is back in its queue."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from kernel.crypto import Fields
from kernel.database import Tx
from kernel.errors import Unavailable
from kernel.queues import Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from mobile_contracts.outbound import Sms
from notifications.gateway import lease
from notifications.gateway.lease import Wanted, give_back, hold, settle

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
WANTED = Wanted("cmcc-1", "service", 10, 60)


def sms(number: int) -> Sms:
    """A message that may be sent for years."""
    return Sms(id=UUID(f"019a3b5e-0000-7000-8000-{number:012d}"), purpose="service", to="+8613800009999",
               sender="10690000", text="【Hexad】您好", segments=1, created_at=NOW,
               expires_at=NOW + timedelta(days=9999), attempt=1)  # fmt: skip


class Nowhere:
    """A broker that takes nothing, or remembers what it took."""

    def __init__(self, *, away: bool = False) -> None:
        self.away, self.taken = away, list[Message]()

    async def publish(self, queue: Queue, messages: list[Message]) -> None:
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


async def test_what_was_settled_is_forgotten_and_the_rest_goes_back(tx: Tx, settings: Settings) -> None:
    lease_id, broker = uuid4(), Nowhere()
    await hold(tx, Fields(settings), WANTED, lease_id, [sms(1), sms(2)])
    assert await settle(tx, "cmcc-1", lease_id, [sms(1).id]) == {sms(1).id}
    assert (await give_back(tx, broker, Fields(settings))).leases == 0  # type: ignore[arg-type]
    await ended(tx)
    assert await settle(tx, "cmcc-1", lease_id, [sms(2).id]) == frozenset()
    assert (await give_back(tx, broker, Fields(settings))).leases == 2  # type: ignore[arg-type]
    assert [msgspec.json.decode(one.body, type=Sms) for one in broker.taken] == [sms(2)]
    assert await tx.fetchval("select count(*) from sms_lease") == 0


async def test_one_message_that_cannot_be_read_keeps_no_other_from_coming_back(tx: Tx, settings: Settings) -> None:
    await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1), sms(2), sms(3)])
    await ended(tx)
    spoil = "update sms_lease set sealed = set_bit(sealed, 200, 1 - get_bit(sealed, 200)) where id = $1"
    await tx.execute(spoil, sms(2).id)
    broker = Nowhere()
    assert (await give_back(tx, broker, Fields(settings))).leases == 3  # type: ignore[arg-type]
    assert {one.id for one in broker.taken} == {str(sms(1).id), str(sms(3).id)}
    assert await tx.fetchval("select count(*) from sms_lease") == 0


async def test_nothing_is_forgotten_while_the_broker_is_away(tx: Tx, settings: Settings) -> None:
    await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)])
    await ended(tx)
    with pytest.raises(Unavailable):
        await give_back(tx, Nowhere(away=True), Fields(settings))  # type: ignore[arg-type]
    assert await tx.fetchval("select count(*) from sms_lease") == 1


async def test_a_message_whose_lease_has_ended_may_be_leased_before_it_is_back(tx: Tx, settings: Settings) -> None:
    await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)])
    assert await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1)]) == []
    await ended(tx)
    assert await hold(tx, Fields(settings), WANTED, uuid4(), [sms(1), sms(1)]) == [sms(1)]


async def test_what_cannot_be_read_is_told_apart(own_settings: Settings) -> None:
    async with open_queues(own_settings) as queues:
        await queues.publish(lease.queue("service"), [Message(b"[]"), Message(msgspec.json.encode(sms(1)))])
        taken = await lease.take(queues, WANTED)
        assert [one for _, one in taken.messages] == [sms(1)]
        assert [delivery.body for delivery, _ in taken.unreadable] == [b"[]"]
