"""Committed events reach the broker, once per handler, and none is lost when it is away."""

import datetime
from collections.abc import Sequence
from uuid import uuid4

import msgspec
import pytest

from kernel.bus.postgres import PostgresBus
from kernel.database import Database
from kernel.errors import Unavailable
from kernel.outbox import emit
from kernel.queues import WORK
from kernel.queues.broker import open_queues
from kernel.queues.client import Queues
from kernel.settings import Settings
from mobile_contracts.event import Event, HousekeepingDue, Probed, SessionEnded, TradingDayChanged
from workers import probe, relay
from workers.app import make_app
from workers.message import Envelope, parse
from workers.relay import Relay


def mover(database: Database, queues: Queues, settings: Settings) -> Relay:
    app = make_app(settings, lambda _: "done")
    return Relay(database, queues, PostgresBus(settings), app, settings)


async def left(database: Database) -> int:
    async with database.transaction() as tx:
        return int(await tx.fetchval("select count(*) from outbox"))


async def test_events_become_messages_for_their_handlers(broker: Settings, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("select set_config('hexad.request', 'r-7', true)")
        probe_id = await probe.start(tx)
        await emit(tx, HousekeepingDue())
        await emit(tx, TradingDayChanged(day=datetime.date(2026, 1, 1)))
    enveloped = not broker.broker_url
    async with open_queues(broker) as queues:
        moving = mover(database, queues, broker)
        assert await moving.move() == 3
        assert await moving.move() == 0
        taken = await queues.take(WORK, 10, lease=30, wait=5)
        await queues.acknowledge(taken)
    bodies = [msgspec.json.decode(one.body, type=Envelope).body if enveloped else one.body for one in taken]
    jobs = [parse(msgspec.json.decode(body)[1]) for body in bodies]
    assert [job.handler for job in jobs] == ["count_probe", "keep_house"]
    assert jobs[0].payload == msgspec.to_builtins(Probed(probe_id=probe_id))
    assert jobs[0].request_id == "r-7"
    assert await left(database) == 0


async def test_nothing_is_lost_while_the_broker_is_away(own_settings: Settings, database: Database) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
    away = msgspec.structs.replace(own_settings, broker_url="amqp://guest:guest@127.0.0.1:1/")
    async with open_queues(away) as queues:
        with pytest.raises(Unavailable):
            await mover(database, queues, away).move()
    assert await left(database) == 1


async def test_what_is_not_due_waits(own_settings: Settings, database: Database) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
        await tx.execute("update outbox set available_at = now() + interval '1 hour'")
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 0
    assert await left(database) == 1


async def test_an_event_of_a_newer_version_waits_for_its_relay(own_settings: Settings, database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "insert into outbox (event_id, kind, payload) values (gen_random_uuid(), 'FromTheFuture', '{}')"
        )
    async with open_queues(own_settings) as queues:
        moving = mover(database, queues, own_settings)
        assert await moving.move() == 1
        assert await moving.move() == 0
        assert await queues.size(WORK) == 0
    assert await left(database) == 1


async def test_it_looks_less_often_when_there_is_nothing(own_settings: Settings, database: Database) -> None:
    async with open_queues(own_settings) as queues:
        moving = mover(database, queues, own_settings)
        pauses = [await moving.turn() for _ in range(6)]
        assert pauses == sorted(pauses)
        assert pauses[-1] == 0.2
        async with database.transaction() as tx:
            await probe.start(tx)
        assert await moving.turn() == 0.02
    assert relay.BATCH >= 100


async def test_urgent_events_are_told_at_once_and_others_are_not(own_settings: Settings, database: Database) -> None:
    session_id = uuid4()
    async with database.transaction() as tx:
        await emit(tx, SessionEnded(session_id=session_id))
        await emit(tx, HousekeepingDue())
    told: list[Event] = []

    class Told(PostgresBus):
        async def tell(self, events: Sequence[Event]) -> bool:
            told.extend(events)
            return True

    async with open_queues(own_settings) as queues:
        app = make_app(own_settings, lambda _: "done")
        assert await Relay(database, queues, Told(own_settings), app, own_settings).move() == 2
    assert told == [SessionEnded(session_id=session_id)]
