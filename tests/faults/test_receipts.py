"""Invariant 8: receipts ten times, shuffled, early and forged come to the same end as once and in order."""

import random

import msgspec
import pytest

from kernel.queues import RECEIPTS
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from mobile_contracts.messaging.outbound import ReceiptStatus
from tests.faults.crowd import Crowd, said, taken
from tests.faults.stand import Stand

PEOPLE, TIMES = 60, 10


@pytest.mark.timeout(600)
async def test_ten_times_shuffled_early_and_forged(stand: Stand) -> None:
    stand.settings = msgspec.structs.replace(stand.settings, service_hours="00:00-24:00")
    crowd, chance = Crowd(stand, stand.settings), random.Random(8)
    await crowd.gather(PEOPLE)
    await crowd.broadcast(expires_at=None)
    stand.start("relay")
    async with open_queues(stand.settings) as queues:
        messages: list[Message] = []
        while len(messages) < PEOPLE * TIMES * 2:
            ids = [one.id for one in await taken(queues)]  # at once: perhaps before it is recorded that they left
            for place, one in enumerate(ids, start=len(messages) // (2 * TIMES)):
                ends: tuple[ReceiptStatus, ...] = (
                    ("accepted", "delivered") if place % 2 else ("accepted", "undelivered")
                )
                messages += [receipt for status in ends for receipt in said([one], status)] * TIMES
            early = said(ids, "accepted")
            await queues.publish(RECEIPTS, early)
        forged = [*said([(await crowd.rows())[0]["id"]], "rejected", gateway="evil"), Message(b'{"forged": true}')]
        everything = [*messages, *forged * TIMES]
        chance.shuffle(everything)
        await queues.publish(RECEIPTS, everything)
        await stand.until(60, "every receipt is taken", lambda: _none_waits(queues))
        await stand.until(60, "every message has its end", lambda: crowd.all("state in ('delivered', 'undelivered')"))
        await stand.until(60, "what is no receipt is among the dead", lambda: _dead(queues, TIMES))
        await stand.until(60, "every receipt is kept", lambda: _kept(stand, PEOPLE * (2 * TIMES + 1) + TIMES))
        assert await queues.size(RECEIPTS.dead) == TIMES
    states = [row["state"] for row in await crowd.rows()]
    assert sorted(states) == ["delivered"] * (PEOPLE // 2) + ["undelivered"] * (PEOPLE // 2)
    kept = await stand.fetch("select problem, sum(times)::int as times from receipt group by problem")
    assert {row["problem"]: row["times"] for row in kept} == {None: PEOPLE * (2 * TIMES + 1), "unknown_gateway": TIMES}
    print(f"\n{stand.broker}: {len(everything)} receipts for {PEOPLE} messages, none moved back, {TIMES} forged")


async def _dead(queues: Queues, number: int) -> bool:
    return await queues.size(RECEIPTS.dead) >= number


async def _kept(stand: Stand, number: int) -> bool:
    """Whether so many were recorded; a queue is empty as soon as somebody holds its last messages."""
    (row,) = await stand.fetch("select coalesce(sum(times), 0)::int as times from receipt")
    return bool(row["times"] >= number)


async def _none_waits(queues: Queues) -> bool:
    return await queues.size(RECEIPTS) == 0
