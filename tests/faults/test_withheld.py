"""Invariant 9: nothing is sent after an opt-out commits, or outside the hours with a loaded queue."""

import asyncio
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from kernel.calendar.days import BEIJING
from kernel.queues.broker import open_queues
from notifications.consent import consent
from notifications.consent.consent import Word
from tests.faults.crowd import Crowd, answer, taken
from tests.faults.stand import Stand
from tests.notifications.house import House

OPT_OUT = Word(purpose="service", channel="sms", allowed=False, source="reply", evidence="T", by="gateway:g")


@pytest.mark.timeout(600)
async def test_an_opt_out_races_the_fan_out(stand: Stand) -> None:
    stand.settings = msgspec.structs.replace(stand.settings, service_hours="00:00-24:00", sms_rate=10)
    crowd, committed = Crowd(stand, stand.settings), dict[int, datetime]()
    await crowd.gather(300)
    leaving = random.Random(9).sample(crowd.people, 150)

    async def leave(customer: int) -> None:
        await crowd.within(lambda house: consent.give(house.tx, customer, OPT_OUT))
        committed[customer] = datetime.now(UTC)

    async with open_queues(stand.settings) as queues:
        stand.start("relay")
        await crowd.broadcast()
        for customer in leaving:
            await asyncio.gather(leave(customer), asyncio.sleep(0.005))
        sent = await taken(queues)
        waits = "state in ('queued', 'sending', 'unknown')"
        await stand.until(60, "nothing waits any more", lambda: _none(crowd, waits))
        sent += await taken(queues)
    rows = {row["id"]: row for row in await crowd.rows()}
    left = {one.id for one in sent}
    assert len(left) == len(sent)
    assert left == {id_ for id_, row in rows.items() if row["state"] == "sent"}
    late = [
        row
        for row in rows.values()
        if row["state"] == "sent" and row["at"] > committed.get(row["customer_id"], row["at"])
    ]
    assert late == [], "who had opted out was written to"
    skipped = [row for row in rows.values() if row["state"] == "skipped"]
    assert {row["customer_id"] for row in skipped} <= set(leaving)
    assert {row["reason"] for row in skipped} <= {"opted_out"}
    assert len(rows) == len(crowd.people)
    print(
        f"\n{stand.broker}: {len(leaving)} opted out during the fan-out, {len(skipped)} in time, 0 written to after it"
    )


@pytest.mark.timeout(600)
async def test_the_hours_end_with_a_loaded_queue(stand: Stand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    night = tmp_path / "night"
    monkeypatch.setitem(os.environ, "TEST_NIGHT", str(night))
    stand.settings = msgspec.structs.replace(stand.settings, service_hours="08:00-22:00", sms_rate=2)
    crowd = Crowd(stand, stand.settings)
    await crowd.gather(150)
    await crowd.broadcast(expires_at=datetime.now(UTC) + timedelta(days=5))
    stand.start("relay", module="tests.faults.odd_relay")
    async with open_queues(stand.settings) as queues:
        await stand.until(60, "the queue is loaded", lambda: _some(crowd, "state = 'sent'", 60))
        night.touch()
        loaded = await taken(queues)
        ends = {one.expires_at.astimezone(BEIJING).time().isoformat() for one in loaded}
        assert ends == {"22:00:00"}, "good until the hours end, and no longer"
        assert all(one.created_at < one.expires_at for one in loaded)
        await answer(queues, [one.id for one in loaded], "expired")
        await stand.until(60, "what was too late waits again", lambda: crowd.all("state = 'queued'"))
        await asyncio.sleep(1)
        assert await taken(queues) == [], "nothing leaves at night"
    assert await crowd.count("state = 'queued' and attempt = 1") == len(loaded)
    print(f"\n{stand.broker}: {len(loaded)} were in the queue when the hours ended, all wait for the morning")


@pytest.mark.timeout(600)
async def test_whom_a_product_does_not_suit_gets_no_message_about_it(stand: Stand) -> None:
    stand.settings = msgspec.structs.replace(stand.settings, service_hours="00:00-24:00")
    crowd = Crowd(stand, stand.settings)
    await crowd.gather(40)
    bold = crowd.people[::2]

    async def assess(house: House) -> None:
        await house.product("P1", risk_level=4)
        await house.tx.execute("update customer set risk_assessed_on = current_date, risk_level = 2")
        await house.tx.execute("update customer set risk_level = 5 where id = any ($1::integer[])", bold)

    await crowd.within(assess)
    await crowd.broadcast(product_code="P1")
    stand.start("relay")
    async with open_queues(stand.settings) as queues:
        await stand.until(60, "all are decided on", lambda: crowd.all("state in ('sent', 'skipped')"))
        assert len(await taken(queues)) == len(bold)
    rows = await crowd.rows()
    assert {row["customer_id"] for row in rows if row["state"] == "sent"} == set(bold)
    assert {row["reason"] for row in rows if row["state"] == "skipped"} == {"risk_too_high"}
    kept = await crowd.within(
        lambda house: house.tx.fetchval("select count(*) from suitability where purpose = 'message'")
    )
    assert kept == len(crowd.people), "every decision is kept"


async def _none(crowd: Crowd, condition: str) -> bool:
    return await crowd.count(condition) == 0


async def _some(crowd: Crowd, condition: str, number: int) -> bool:
    return await crowd.count(condition) >= number
