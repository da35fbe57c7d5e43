"""A loop goes on after any failure, waits longer each time, and says what is wrong until it is not."""

import asyncio
from functools import partial

import pytest
from structlog.testing import capture_logs

from kernel.errors import Unavailable
from workers.runtime.loops import Loops


async def test_a_loop_turns_until_it_is_stopped() -> None:
    loops, turns = Loops(), 0

    async def turn() -> float:
        nonlocal turns
        turns += 1
        if turns == 3:
            loops.stop()
        return 0.0

    await loops.run("test", turn)
    assert turns == 3


@pytest.mark.parametrize("error", [Unavailable("away"), OSError("refused"), ZeroDivisionError("a fault of ours")])
async def test_a_failure_is_said_and_overcome(error: Exception) -> None:
    loops, turns, problems = Loops(), 0, []

    async def turn() -> float:
        nonlocal turns
        turns += 1
        problems.append(loops.problems.get("test"))
        if turns == 4:
            loops.stop()
        if turns in {2, 3}:
            raise error
        return 0.0

    await loops.run("test", turn)
    assert problems[:2] == [None, None]
    assert all(problem is not None and type(error).__name__ in problem for problem in problems[2:])
    assert loops.problems == {}


async def test_stopping_does_not_wait_for_a_pause() -> None:
    loops = Loops()

    async def turn() -> float:
        return 1000.0

    running = asyncio.create_task(loops.run("test", turn))
    await asyncio.sleep(0)
    loops.stop()
    await asyncio.wait_for(running, 60)


async def test_every_new_problem_is_said_and_one_that_stays_only_once() -> None:
    loops = Loops()

    async def fails(why: str) -> float:
        raise ValueError(why)

    async def works() -> float:
        return 0.0

    async def said(*whys: str) -> int:
        with capture_logs() as lines:
            for why in whys:
                await loops.turn("test", partial(fails, why))
        return len(lines)

    assert await said("first", "first", "second", "first", "second") == 2
    await loops.turn("test", works)
    assert await said("first") == 1, "it had worked meanwhile"
