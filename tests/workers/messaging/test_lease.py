"""A text message whose lease has ended is back in its queue, once."""

from uuid import uuid4

import msgspec

from kernel.queues.broker import open_queues
from kernel.security.crypto import Fields
from kernel.settings import Settings
from kernel.store.database import Database
from notifications.gateway import lease
from tests.api.messaging.test_lease import ending, sent_one
from tests.brokers import broker
from tests.notifications.gateway.test_lease import WANTED, ended, sms
from workers.messaging.lease import Leases

__all__ = ["broker"]


async def test_what_was_not_acknowledged_is_back_once(broker: Settings, database: Database) -> None:
    async with database.transaction() as tx:
        await lease.hold(tx, Fields(broker), WANTED, uuid4(), [sms(1)])
    async with open_queues(broker) as queues:
        leases = Leases(database, queues, broker)
        assert await leases.turn() > 0
        async with database.transaction() as tx:
            await ended(tx)
        assert await leases.turn() == 0
        assert await leases.turn() > 0
        assert [one for _, one in (await lease.take(queues, WANTED)).messages] == [sms(1)]


async def test_one_that_does_not_open_any_more_has_failed(broker: Settings, database: Database) -> None:
    message_id = await sent_one(database, broker)
    async with database.transaction() as tx:
        await lease.hold(tx, Fields(broker), WANTED, uuid4(), [msgspec.structs.replace(sms(1), id=message_id)])
        await tx.execute("update sms_lease set sealed = set_bit(sealed, 200, 1 - get_bit(sealed, 200))")
        await ended(tx)
    async with open_queues(broker) as queues:
        await Leases(database, queues, broker).turn()
        assert await queues.size(lease.queue("service")) == 0
    assert await ending(database) == ("failed", "UNREADABLE")
