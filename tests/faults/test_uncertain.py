"""Invariant 7: no SMS is silently sent twice; what nobody knows of is marked, and offered under its own id."""

from collections import Counter

import msgspec
import pytest

from kernel.queues.broker import open_queues
from tests.faults.crowd import Crowd, answer, taken
from tests.faults.stand import Stand

PEOPLE = 120


@pytest.mark.timeout(600)
async def test_killed_between_handing_over_and_recording(stand: Stand) -> None:
    stand.settings = msgspec.structs.replace(
        stand.settings, service_hours="00:00-24:00", handing_over=1.0, reconcile_after=4.0, sms_rate=2
    )
    crowd = Crowd(stand, stand.settings)
    await crowd.gather(PEOPLE)
    await crowd.broadcast()
    stand.start("relay", module="tests.faults.odd_relay")
    dead = stand.processes["relay"]

    async def died() -> bool:
        return not dead.running

    await stand.until(60, "it dies in the middle", died)
    uncertain = await crowd.count("state = 'sending'")
    assert 0 < uncertain <= 60, "30 s of the gateway's rate at most"
    async with open_queues(stand.settings) as queues:
        first = await taken(queues)
        assert len(first) in range(1, uncertain + 1)
        stand.start("relay#2", settings=stand.settings)
        took = await stand.until(60, "it is noticed", lambda: _is(crowd, "state = 'unknown'", uncertain))
        answered = [one.id for one in first[: len(first) // 2]]
        await answer(queues, answered, "delivered")
        again = list(first)

        async def all_left() -> bool:
            again.extend(await taken(queues))
            return await crowd.all("state in ('sent', 'delivered')")

        await stand.until(60, "all have left", all_left)
        times = Counter((one.id, one.attempt) for one in again)
        assert set(times.values()) == {1}, "never the same attempt twice"
        by_id = Counter(one.id for one in again)
        assert {one for one, number in by_id.items() if number > 1}.isdisjoint(answered), (
            "who was answered for is left alone"
        )
        assert max(by_id.values()) <= 2
        assert len(by_id) == PEOPLE, "everybody was written to"
        await answer(queues, list(by_id), "delivered")
        await stand.until(60, "all receipts are recorded", lambda: crowd.all("state = 'delivered'"))
    print(f"\n{stand.broker}: {uncertain} uncertain after the kill, noticed in {took:.1f} s, 0 doubled, 0 lost")


async def _is(crowd: Crowd, condition: str, number: int) -> bool:
    return await crowd.count(condition) >= number
