"""A message that nobody can send ends in a receipt, as far as its id can be read."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from kernel.queues import RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message, Queues
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.outbound import Receipt
from tests.workers.smtp.test_letter import PLAIN, email
from workers.smtp.reading import Reading

SERVICE = Queue("outbound.email.service.main")


@pytest.fixture
async def queues(own_settings: Settings) -> AsyncIterator[Queues]:
    async with open_queues(own_settings) as opened:
        yield opened


async def delivery(queues: Queues, body: bytes) -> Delivery:
    """It, from the queue."""
    await queues.publish(SERVICE, [Message(body)])
    (one,) = await queues.take(SERVICE, 1, lease=30, wait=5)
    return one


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (msgspec.json.encode(PLAIN | {"subject": "a\u2028b"}), True),
        (msgspec.json.encode({"id": PLAIN["id"]}), True),
        (msgspec.json.encode(PLAIN | {"id": "4711"}), False),
        (msgspec.json.encode(PLAIN | {"id": "019a3b5e-0000-4000-8000-000000000001"}), False),
        (b'"x"', False),
    ],
)
async def test_it_is_rejected_under_its_id(
    own_settings: Settings, database: Database, queues: Queues, body: bytes, told: bool
) -> None:
    reading = Reading(own_settings, database, queues, Fields(own_settings))
    assert await reading.readable(await delivery(queues, body)) is None
    receipts = [msgspec.json.decode(one.body, type=Receipt) for one in await queues.take(RECEIPTS, 10, lease=30)]
    expected = [(email().id, "rejected", "UNSENDABLE", "smtp-main")] if told else []
    assert [(one.id, one.status, one.code, one.gateway) for one in receipts] == expected
    assert await queues.size(SERVICE.dead) == 1


async def test_what_can_be_sent_is_a_letter(own_settings: Settings, database: Database, queues: Queues) -> None:
    reading = Reading(own_settings, database, queues, Fields(own_settings))
    taken = await reading.readable(await delivery(queues, msgspec.json.encode(PLAIN)))
    assert taken is not None
    assert (taken.email.id, taken.letter.to) == (email().id, "li.lei@b.cn")
