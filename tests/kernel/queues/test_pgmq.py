"""PGMQ: what PostgreSQL cannot store is refused, and one that is away is said to be."""

import msgspec
import pytest

from kernel.errors import InvalidInput, Unavailable
from kernel.queues import RECEIPTS
from kernel.queues.client import Message
from kernel.queues.pgmq import PgmqQueues
from kernel.settings import Settings


async def test_text_that_postgresql_cannot_store_is_refused(own_settings: Settings) -> None:
    queues = PgmqQueues(own_settings)
    with pytest.raises(InvalidInput):
        await queues.publish(RECEIPTS, [Message(b'{"a": "\\u0000"}')])
    assert await queues.size(RECEIPTS) == 0
    await queues.close()


async def test_postgresql_away_is_said(settings: Settings) -> None:
    queues = PgmqQueues(msgspec.structs.replace(settings, database_url="postgresql://x@127.0.0.1:1/x"))
    for _ in range(3):
        with pytest.raises(Unavailable, match="PostgreSQL"):
            await queues.size(RECEIPTS)
    await queues.close()
