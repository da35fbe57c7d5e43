"""From the wish for a code to signing in with it: API, relay, worker, gateway and mailbox, on both brokers."""

import asyncio
import re
from typing import Any

import msgspec

from hexad.simulators.mailbox import Mailbox
from hexad.simulators.rules import Manner
from hexad.simulators.sms import Gateway
from kernel.bus.choice import open_bus
from kernel.queues import WORK
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open, open_api
from tests.api.identity.conftest import People, Phone, refused, session_of
from workers.runtime.app import make_app
from workers.runtime.child import Child
from workers.runtime.message import Envelope, parse
from workers.runtime.relay import Relay

__all__ = ["open_api"]


async def relayed(database: Database, settings: Settings) -> list[dict[str, Any]]:
    """Moves events to the broker and gives the jobs that a worker finds there."""
    jobs: list[dict[str, Any]] = []
    async with open_queues(settings) as queues, open_bus(settings) as bus:
        app = make_app(settings, lambda _: "done")
        await Relay(database, queues, bus, app, settings).move()
        taken = await queues.take(WORK, 10, lease=30, wait=2)
        for one in taken:
            body = one.body if settings.broker_url else msgspec.json.decode(one.body, type=Envelope).body
            jobs.append(msgspec.json.decode(body)[1])
        await queues.acknowledge(taken)
    return jobs


async def letters(settings: Settings) -> list[str]:
    """What people read on their phones."""
    stop = asyncio.Event()
    async with open_queues(settings) as queues:
        serving = asyncio.create_task(Gateway(queues, Mailbox(settings.var), Manner()).serve(stop))
        async with asyncio.timeout(30):
            while not (found := Mailbox(settings.var).newest(10)):
                await asyncio.sleep(0.05)
        stop.set()
        await serving
    return [letter.text for letter in found if letter.to == "+8613812345678"]


async def test_a_code_comes_by_sms_and_opens(broker: Settings, database: Database, open_api: Open) -> None:
    people, child = People(database, broker), Child(broker)
    await people.customer()
    async with open_api(broker) as api:
        phone = Phone(api)
        for login in ("880001", "unknown"):
            assert (await phone.ask(login)).status_code == 202
        jobs = await relayed(database, broker)
        assert [job["handler"] for job in jobs] == ["send_code"] * 2
        await asyncio.to_thread(child.start)
        try:
            for job in jobs * 2:
                assert await asyncio.to_thread(child.do, parse(job)) in ("done", "repeated")
        finally:
            await asyncio.to_thread(child.stop)
        (text,) = await letters(broker)
        (code,) = re.findall(r"\d{6}", text)
        refused(await phone.investor(code="000000" if code != "000000" else "000001"))
        session_of(await phone.investor(code=code))
    assert await people.sql("select count(*) from one_time_code where sealed is not null") == 0


async def test_while_the_broker_is_away_the_job_waits_and_nothing_is_lost(
    own_settings: Settings, database: Database, open_api: Open
) -> None:
    people = People(database, own_settings)
    await people.customer()
    async with open_api(own_settings) as api:
        await Phone(api).ask()
    (job,) = await relayed(database, own_settings)
    away = msgspec.structs.replace(own_settings, broker_url="amqp://guest:guest@127.0.0.1:1/", job_backoff=0.01)
    child = Child(away)
    await asyncio.to_thread(child.start)
    assert await asyncio.to_thread(child.do, parse(job)) == "waiting"
    await asyncio.to_thread(child.stop)
    assert await people.sql("select count(*) from one_time_code where sealed is not null") == 1
    error = await people.sql("select error from job")
    assert "13812345678" not in error


async def test_events_carry_ids_alone(own_settings: Settings, database: Database, open_api: Open) -> None:
    people = People(database, own_settings)
    await people.customer()
    async with open_api(own_settings) as api:
        await Phone(api).ask()
    payload = await people.sql("select payload::text from outbox where kind = 'CodeWanted'")
    assert set(re.findall(r'"(\w+)":', payload)) == {"kind", "code_id"}
