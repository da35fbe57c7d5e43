"""What comes while a write is under way goes with the next, and a failure is that of its own write alone."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.errors import Unavailable
from workers.smtp.gathering import Gathering


async def test_what_comes_meanwhile_goes_together() -> None:
    written: list[list[int]] = []
    go_on = asyncio.Event()

    async def write(items: Sequence[int]) -> None:
        written.append(list(items))
        await go_on.wait()

    gathering = Gathering(write, at_most=3)
    tasks = [asyncio.create_task(gathering.add(0))]
    await asyncio.sleep(0.01)
    tasks += [asyncio.create_task(gathering.add(number)) for number in range(1, 6)]
    await asyncio.sleep(0.01)
    assert written == [[0]]
    go_on.set()
    await asyncio.gather(*tasks)
    assert written == [[0], [1, 2, 3], [4, 5]]


async def test_a_failure_is_told_to_those_it_met_and_the_next_write_is_tried() -> None:
    async def write(items: Sequence[int]) -> None:
        if 1 in items:
            raise ValueError("no")

    gathering = Gathering(write)
    with pytest.raises(ValueError, match="no"):
        await gathering.add(1)
    await gathering.add(2)


async def test_what_is_wrong_with_one_is_its_own_and_what_is_away_is_everybodys() -> None:
    written: list[int] = []

    async def write(items: Sequence[int]) -> None:
        if 9 in items:
            raise Unavailable
        if 3 in items:
            raise ValueError("three")
        written.extend(items)

    gathering = Gathering(write)
    outcomes = await asyncio.gather(*(gathering.add(number) for number in range(8)), return_exceptions=True)
    assert [type(one) for one in outcomes] == [type(None)] * 3 + [ValueError] + [type(None)] * 4
    assert sorted(written) == [0, 1, 2, 4, 5, 6, 7], "each once"
    both = await asyncio.gather(gathering.add(8), gathering.add(9), return_exceptions=True)
    assert [type(one) for one in both] == [Unavailable] * 2


async def test_who_no_longer_waits_harms_nobody() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write(items: Sequence[int]) -> None:
        begun.set()
        await go_on.wait()

    gathering = Gathering(write)
    gone, stays = asyncio.create_task(gathering.add(1)), asyncio.create_task(gathering.add(2))
    await begun.wait()
    gone.cancel()
    go_on.set()
    await stays
    assert gone.cancelled()
