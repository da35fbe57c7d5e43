"""Questions of many share a transaction; what is wrong with one of them is theirs alone."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel.errors import NotFound, Unavailable
from realtime.together import AT_ONCE, Together


class Clerk:
    """Answers with twice the number; counts how often it was asked, and waits while it is told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go = asyncio.Event()
        self.go.set()
        self.away = False

    async def answer(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(len(questions))
        await self.go.wait()
        if self.away:
            raise Unavailable("away")
        if 13 in questions:
            raise NotFound
        return [2 * one for one in questions]


async def test_one_is_asked_at_once_and_many_together() -> None:
    clerk = Clerk()
    asking = Together(clerk.answer)
    assert await asking.ask(1, 10) == 2
    assert await asyncio.gather(*(asking.ask(n, 10) for n in range(2000, 4000))) == list(range(4000, 8000, 2))
    assert clerk.asked == [1] + [AT_ONCE] * (2000 // AT_ONCE)


async def test_what_is_wrong_with_one_is_theirs_alone() -> None:
    asking = Together(Clerk().answer)
    answers = await asyncio.gather(*(asking.ask(n, 10) for n in range(30)), return_exceptions=True)
    assert [n for n, one in enumerate(answers) if isinstance(one, NotFound)] == [13]
    assert [one for one in answers if isinstance(one, int)] == [2 * n for n in range(30) if n != 13]


async def test_when_nobody_can_tell_all_are_told_so_and_it_goes_on_afterwards() -> None:
    clerk = Clerk()
    asking, clerk.away = Together(clerk.answer), True
    answers = await asyncio.gather(*(asking.ask(n, 10) for n in range(30)), return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in answers)
    clerk.away = False
    assert await asking.ask(1, 10) == 2


async def test_who_asks_again_at_once_is_heard() -> None:
    asking = Together(Clerk().answer)
    assert [await asking.ask(n, 10) for n in range(5)] == [0, 2, 4, 6, 8]


async def test_a_round_that_was_broken_off_is_followed_by_another() -> None:
    answers = [asyncio.CancelledError(), ValueError("odd")]

    async def answer(questions: Sequence[int]) -> list[int]:
        if answers:
            raise answers.pop(0)
        return [*questions]

    asking = Together(answer)
    with pytest.raises(Unavailable):
        await asking.ask(1, 0.05)
    with pytest.raises(ValueError, match="odd"):
        await asking.ask(2, 60)
    assert await asking.ask(3, 60) == 3


async def test_who_waits_too_long_is_told_and_is_not_asked_for_any_more() -> None:
    clerk = Clerk()
    clerk.go.clear()
    asking = Together(clerk.answer)
    first = asyncio.create_task(asking.ask(1, 60))
    while not clerk.asked:
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await asking.ask(2, 0.05)
    third = asyncio.create_task(asking.ask(3, 60))
    await asyncio.sleep(0)
    clerk.go.set()
    assert (await first, await third) == (2, 6)
    assert clerk.asked == [1, 1]
