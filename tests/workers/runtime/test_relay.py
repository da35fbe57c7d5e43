"""Committed events reach the broker, once per handler, and none is lost when it is away."""

import datetime
from collections.abc import Sequence
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from kernel.bus.postgres import PostgresBus
from kernel.errors import Unavailable
from kernel.events.job import try_again
from kernel.events.outbox import emit
from kernel.queues import SLOW, URGENT, WORK, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.queues.pgmq import PgmqQueues
from kernel.settings import Settings
from kernel.store import outside
from kernel.store.database import Database, Tx
from mobile_contracts.event import CodeWanted, Event, HousekeepingDue, Probed, SessionEnded, TradingDayChanged
from workers.runtime import probe, relay
from workers.runtime.app import make_app
from workers.runtime.life import Life
from workers.runtime.message import Envelope, parse
from workers.runtime.relay import Relay


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
    async with open_queues(broker) as queues:
        moving = mover(database, queues, broker)
        assert await moving.move() == 3
        assert await moving.move() == 0
        taken = await queues.take(WORK, 10, lease=30, wait=5)
        await queues.acknowledge(taken)
    bodies = [whole(one.body, broker) for one in taken]
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
    async with database.transaction() as tx:
        assert await tx.fetchval("select claimed_until from outbox") is None


async def test_what_was_claimed_while_both_went_away_is_moved_when_they_are_back(
    own_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
    async with open_queues(own_settings) as queues:
        moving = mover(database, queues, own_settings)

        async def refused(*_: object) -> None:
            monkeypatch.setattr(database, "transaction", gone)
            raise Unavailable

        def gone() -> None:
            raise Unavailable

        with monkeypatch.context() as broken:
            broken.setattr(queues, "publish", refused)
            with pytest.raises(Unavailable):
                await moving.move()
        monkeypatch.undo()
        assert await left(database) == 1
        assert await moving.move() == 1, "and not after the minute for which it was claimed"
    assert await left(database) == 0


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


async def unknown_for_days(tx: Tx, *handlers: str | None) -> None:
    """An event of a kind that nobody knew for eight days, for each of these handlers, or for all of its own."""
    await tx.execute(
        "insert into outbox (event_id, kind, handler, payload, created_at)"
        " select id, 'FromTheFuture', handler, '{}', now() - interval '8 days'"
        "   from (select gen_random_uuid() as id) as one cross join unnest($1::text[]) as handler",
        handlers,
    )


async def tried_again(tx: Tx) -> None:
    """What is in the outbox is there as somebody asked for another try of it."""
    await tx.execute(
        "insert into job (event_id, handler, kind, payload, state)"
        " select event_id, handler, kind, payload, 'waiting' from outbox"
    )


async def test_an_event_that_no_relay_knew_for_days_is_set_aside_and_can_be_tried_again(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await unknown_for_days(tx, None)
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 1
    assert await left(database) == 0
    async with database.transaction() as tx:
        aside = await tx.fetchrow("select event_id, handler, kind, state from job")
        assert aside is not None
        assert tuple(aside)[1:] == ("*", "FromTheFuture", "set_aside")
        await try_again(tx, aside["event_id"], "*")
        assert await tx.fetchval("select handler from outbox where kind = 'FromTheFuture'") == "*"


async def test_what_is_tried_again_and_still_unknown_for_days_is_set_aside_again(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await unknown_for_days(tx, "*")
        await unknown_for_days(tx, "of_tomorrow")
        await tried_again(tx)
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 2
    assert await left(database) == 0
    async with database.transaction() as tx:
        aside = await tx.fetch("select state, error from job")
    assert {tuple(one) for one in aside} == {("set_aside", "no relay knew this kind of event in time")}


async def test_a_job_and_its_copy_that_nobody_knew_are_set_aside_once_and_hold_up_nothing(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await unknown_for_days(tx, "of_tomorrow", "of_tomorrow")
        await probe.start(tx)
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 3
    assert await left(database) == 0
    async with database.transaction() as tx:
        assert [row[0] for row in await tx.fetch("select state from job")] == ["set_aside"]


async def test_what_is_tried_again_and_known_by_then_goes_to_every_handler(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
        await tx.execute("update outbox set handler = '*'")
        await tried_again(tx)
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 1
        assert await queues.size(WORK) == 1
    async with database.transaction() as tx:
        assert await tx.fetchval("select state from job where handler = '*'") == "done"


async def test_jobs_are_made_for_handlers_that_only_a_newer_version_has(broker: Settings, database: Database) -> None:
    owner = await asyncpg.connect(broker.owner_url)
    await owner.execute("insert into handler values ('of_tomorrow', 'Probed', 'work.default')")
    await owner.close()
    async with database.transaction() as tx:
        await probe.start(tx)
    async with open_queues(broker) as queues:
        await mover(database, queues, broker).move()
        taken = await queues.take(WORK, 10, lease=30, wait=5)
        await queues.acknowledge(taken)
    bodies = [whole(one.body, broker) for one in taken]
    assert sorted(parse(msgspec.json.decode(body)[1]).handler for body in bodies) == ["count_probe", "of_tomorrow"]


def whole(body: bytes, settings: Settings) -> str | bytes:
    """What Celery made of a job."""
    return body if settings.broker_url else msgspec.json.decode(body, type=Envelope).body


@pytest.mark.parametrize(("lives", "wanted"), [(True, URGENT), (False, WORK)])
async def test_codes_go_to_their_own_queue_as_soon_as_somebody_takes_from_it(
    broker: Settings, database: Database, *, lives: bool, wanted: Queue
) -> None:
    if lives:
        await Life(database, broker, URGENT, SLOW).sign()
    async with database.transaction() as tx:
        await emit(tx, CodeWanted(code_id=uuid4()))
    async with open_queues(broker) as queues:
        assert await mover(database, queues, broker).move() == 1
        (taken,) = await queues.take(wanted, 10, lease=30, wait=5)
        await queues.acknowledge([taken])
        assert [await queues.size(queue) for queue in (URGENT, WORK)] == [0, 0]


async def test_what_somebody_waits_for_goes_before_what_came_first(
    own_settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BATCH", 2)
    async with database.transaction() as tx:
        for _ in range(4):
            await emit(tx, HousekeepingDue())
        await emit(tx, CodeWanted(code_id=uuid4()))
    async with open_queues(own_settings) as queues:
        assert await mover(database, queues, own_settings).move() == 2
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where kind = 'CodeWanted'") == 0
        await tx.execute("set local enable_seqscan = off")
        plan = await tx.fetch("explain select id from outbox order by urgent desc, available_at, id limit 500")
    assert "Sort" not in str(plan)


async def test_while_the_broker_answers_no_row_is_locked_and_nobody_moves_it_twice(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
    seen: list[int] = []

    class Slow(PgmqQueues):
        async def publish(self, queue: Queue, messages: Sequence[Message]) -> None:
            outside.call("the broker")
            async with database.transaction() as tx:
                seen.append(len(await tx.fetch("select id from outbox for update nowait")))
            seen.append(await mover(database, self, own_settings).move())
            await super().publish(queue, messages)

    queues = Slow(own_settings)
    assert await mover(database, queues, own_settings).move() == 1
    assert seen == [1, 0]
    assert (await left(database), await queues.size(WORK)) == (0, 1)
    await queues.close()


async def test_what_a_relay_that_died_had_claimed_goes_out_after_a_while(
    own_settings: Settings, database: Database
) -> None:
    async with database.transaction() as tx:
        await probe.start(tx)
        await tx.execute("update outbox set claimed_until = now() + interval '1 minute'")
    async with open_queues(own_settings) as queues:
        moving = mover(database, queues, own_settings)
        assert await moving.move() == 0
        async with database.transaction() as tx:
            await tx.execute("update outbox set claimed_until = now() - interval '1 second'")
        assert await moving.move() == 1


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
