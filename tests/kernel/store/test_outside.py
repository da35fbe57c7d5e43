"""Nobody outside is called while a transaction is open, whoever calls; what is made in one and outlives it may."""

import asyncio
import time

import msgspec
import pytest
import uuid_utils.compat as uuid

from kernel.queues import WORK
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.database import Database
from kernel.store.outside import CalledInTransaction
from tests.brokers import broker
from workers.product.advisory import Advisory
from workers.smtp.pool import Pool

__all__ = ["broker"]


async def test_a_call_in_a_transaction_is_refused_and_after_it_is_not(database: Database) -> None:
    async with database.transaction():
        with pytest.raises(CalledInTransaction, match="somebody is called while a transaction is open"):
            outside.call("somebody")
        async with database.transaction():
            pass
        with pytest.raises(CalledInTransaction):
            outside.call("somebody")
    outside.call("somebody")


async def test_a_task_made_in_a_transaction_is_in_it_as_long_as_it_is_open(database: Database) -> None:
    ended = asyncio.Event()

    async def call(after: asyncio.Event | None) -> None:
        if after:
            await after.wait()
        outside.call("somebody")

    async with database.transaction():
        with pytest.raises(CalledInTransaction):
            await asyncio.create_task(call(None))
        outliving = asyncio.create_task(call(ended))
    ended.set()
    await outliving


async def test_another_tasks_transaction_is_not_ones_own(database: Database) -> None:
    opened, called = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.transaction():
            opened.set()
            await called.wait()

    holding = asyncio.create_task(hold())
    await opened.wait()
    outside.call("somebody")
    called.set()
    await holding


async def test_rows_are_held_on_purpose_where_somebody_says_why(database: Database) -> None:
    async with database.transaction():
        with outside.held("they must not be taken meanwhile"):
            outside.call("the broker")
        with pytest.raises(CalledInTransaction):
            outside.call("the broker")


async def test_every_broker_refuses(broker: Settings, database: Database) -> None:
    async with open_queues(broker) as queues:
        async with database.transaction():
            with pytest.raises(CalledInTransaction):
                await queues.publish(WORK, [Message(b"1")])
            with pytest.raises(CalledInTransaction):
                await queues.take(WORK, 1, lease=1)
        await queues.publish(WORK, [Message(b"1")])


async def test_the_platform_and_the_mail_relay_refuse(database: Database, settings: Settings) -> None:
    nobody = msgspec.structs.replace(settings, advisory_url="http://127.0.0.1:1", smtp_host="127.0.0.1", smtp_port=1)
    async with Advisory(nobody) as advisory, database.transaction():
        with pytest.raises(CalledInTransaction):
            await advisory.cancel(uuid.uuid7())
        with pytest.raises(CalledInTransaction):
            async with Pool(nobody).connection(time.monotonic() + 5):
                pass
