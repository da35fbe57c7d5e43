"""What came of a message is noted, told, and only then let go; an outage in between loses none of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.errors import Unavailable
from kernel.process.apart import Apart
from kernel.queues import RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.outbound import Receipt
from tests.workers.smtp.test_letter import PLAIN
from workers.smtp import deferred, journal
from workers.smtp.journal import Ending
from workers.smtp.reading import Reading, Taken
from workers.smtp.records import Records, ended

SERVICE = Queue("outbound.email.service.main")


@pytest.fixture
async def queues(own_settings: Settings) -> AsyncIterator[Queues]:
    async with open_queues(own_settings) as opened:
        yield opened


@pytest.fixture
async def taken(own_settings: Settings, database: Database, queues: Queues) -> Taken:
    """A message from the queue."""
    await queues.publish(SERVICE, [Message(msgspec.json.encode(PLAIN))])
    (delivery,) = await queues.take(SERVICE, 1, lease=30, wait=5)
    found = await Reading(own_settings, database, queues, Fields(own_settings)).readable(delivery)
    assert found is not None
    return found


class Stubborn:
    """A broker that takes nothing at first."""

    def __init__(self, queues: Queues, failures: int) -> None:
        self._queues, self.failures = queues, failures

    def __getattr__(self, name: str) -> object:
        return getattr(self._queues, name)

    async def publish(self, queue: Queue, messages: Sequence[Message]) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise Unavailable("not now")
        await self._queues.publish(queue, messages)


async def test_an_answer_is_told_though_the_broker_was_away_for_a_moment(
    own_settings: Settings, database: Database, queues: Queues, taken: Taken
) -> None:
    broker = Stubborn(queues, 2)
    records = Records(database, broker, Fields(own_settings), 30.0)  # type: ignore[arg-type]
    await records.begin([taken.email])
    await records.end([ended(taken, Ending(taken.email.id, "accepted", "250 2.0.0", "ABC"))])
    (one,) = [msgspec.json.decode(one.body, type=Receipt) for one in await queues.take(RECEIPTS, 10, lease=30, wait=5)]
    assert (one.id, one.status, one.code, one.gateway_id) == (taken.email.id, "accepted", "250 2.0.0", "ABC")
    assert await queues.size(SERVICE) == 0


async def test_one_that_cannot_be_noted_is_not_let_go_and_keeps_no_other(
    own_settings: Settings, database: Database, queues: Queues, taken: Taken
) -> None:
    other = msgspec.structs.replace(taken, email=msgspec.structs.replace(taken.email, id=uuid.uuid7()), delivery=None)
    failing = Apart("mail")
    records = Records(database, queues, Fields(own_settings), 0.0, failing)
    await records.begin([taken.email, other.email])
    wrong = Ending(taken.email.id, "accepted", "250 \0", "ABC")  # which no database stores
    await records.end([ended(taken, wrong), ended(other, Ending(other.email.id, "accepted", "250 2.0.0", "ABC"))])
    told = [msgspec.json.decode(one.body, type=Receipt) for one in await queues.take(RECEIPTS, 10, lease=30, wait=5)]
    assert [one.id for one in told] == [other.email.id]
    assert str(failing.problem()).startswith(f"{taken.email.id}: ")
    assert await queues.size(SERVICE) == 1, "it comes again"


async def test_what_cannot_be_told_is_noted_and_not_let_go(
    own_settings: Settings, database: Database, queues: Queues, taken: Taken
) -> None:
    records = Records(database, Stubborn(queues, 10**6), Fields(own_settings), 0.0)  # type: ignore[arg-type]
    await records.begin([taken.email])
    async with asyncio.timeout(30):
        with pytest.raises(Unavailable):
            await records.end([ended(taken, Ending(taken.email.id, "accepted", "250 2.0.0"))])
    async with database.transaction() as tx:
        assert (await journal.known(tx, [taken.email.id]))[taken.email.id].status == "accepted"
    assert await queues.size(SERVICE) == 1


async def test_what_is_put_off_waits_in_the_table_and_nobody_is_told(
    own_settings: Settings, database: Database, queues: Queues, taken: Taken
) -> None:
    records = Records(database, queues, Fields(own_settings), 30.0)
    await records.begin([taken.email])
    await records.end([ended(taken, Ending(taken.email.id, None, "451", again_in=60.0))])
    async with database.transaction() as tx:
        assert await deferred.count(tx) == 1
    assert (await queues.size(SERVICE), await queues.size(RECEIPTS)) == (0, 0)
