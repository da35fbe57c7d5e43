"""Questions of many sockets that share a transaction: one is asked at once, what comes meanwhile is the next.

When thousands reconnect they are signed in by hundreds, and the database is asked a few times, not ten times for each.
"""

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kernel.errors import Unavailable

AT_ONCE = 100
_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")


class Together(Generic[_Question, _Answer]):
    """Gathers questions for `answer`, which gives the answers in their order or raises `Unavailable`."""

    def __init__(self, answer: Callable[[Sequence[_Question]], Awaitable[Sequence[_Answer]]]) -> None:
        self._answer = answer
        self._line: deque[tuple[_Question, Future[_Answer]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: _Question, seconds: float) -> _Answer:
        """The answer; raises `Unavailable` when there is none in time."""
        waiting: Future[_Answer] = asyncio.get_running_loop().create_future()
        self._line.append((question, waiting))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError as error:
            raise Unavailable from error

    async def _work(self) -> None:
        await asyncio.sleep(0)  # who asks in the same moment is asked for together
        while self._line:
            taken = [self._line.popleft() for _ in range(min(AT_ONCE, len(self._line)))]
            await self._settle([one for one in taken if not one[1].done()])
        self._task = None  # at once: whoever has an answer may ask again before a task is known to have ended

    async def _settle(self, part: Sequence[tuple[_Question, Future[_Answer]]]) -> None:
        """Whatever is wrong with one of them is theirs alone."""
        if not part:
            return
        try:
            answers = await self._answer([question for question, _ in part])
        except Unavailable as error:
            for _, waiting in part:
                _end(waiting, Unavailable(error.detail))
        except Exception as error:  # noqa: BLE001  # it is found by halving, and raised to whom it concerns
            if len(part) == 1:
                _end(part[0][1], error)
            else:
                middle = len(part) // 2
                await self._settle(part[:middle])
                await self._settle(part[middle:])
        else:
            for (_, waiting), answer in zip(part, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)


def _end(waiting: "Future[_Answer]", error: Exception) -> None:
    if not waiting.done():
        waiting.set_exception(error)
