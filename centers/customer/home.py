"""The figures of home: of one's own customers counted each time, of whole branches no more often than they cost."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from time import monotonic

from kernel.calendar import days
from kernel.errors import Overloaded
from kernel.security.scope import Reach, Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.customer.customer import Home

_BIRTHDAY_DAYS = 7
_SHARE = 20
"""A count of branches is good for so many times as long as it took: it costs a twentieth of a core at most."""

_AT_ONCE = 0.1
"""Seconds of a count below which it is made anew each time."""

WAIT_SECONDS = 10.0
"""For so long one waits for a count that another makes: a connection waits along."""

_REACHES_AT_MOST = 500
_sql = load(Path(__file__).with_name("home.sql"), Home)


class _Counted:
    """The last count of one reach; whoever comes while it is made waits for it."""

    def __init__(self) -> None:
        self.lock, self.good_until = asyncio.Lock(), 0.0
        self.figures: Home | None = None

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else counts meanwhile; raises `Overloaded` when whoever does takes too long."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self.lock.acquire()
        except TimeoutError as error:
            raise Overloaded from error
        try:
            yield
        finally:
            self.lock.release()


class Homes:
    """The figures of home of a process: counting the customers of the whole company takes seconds."""

    def __init__(self) -> None:
        self._counted: OrderedDict[Reach, _Counted] = OrderedDict()

    async def figures(self, tx: Tx, scope: Scope) -> Home:
        """Those of the customers in scope whose accounts are open; birthdays of the next 7 days.

        Raises `Overloaded` when somebody else has been counting the same for too long.
        """
        if scope.reach.by_relation:
            return await _by_relation(tx, scope)
        counted = self._of(scope.reach)
        async with counted.alone():
            if counted.figures is None or monotonic() >= counted.good_until:
                began = monotonic()
                counted.figures = await _by_branch(tx, scope)
                took = monotonic() - began
                counted.good_until = began + (took * _SHARE if took > _AT_ONCE else 0.0)
            return counted.figures

    def _of(self, reach: Reach) -> _Counted:
        counted = self._counted.setdefault(reach, _Counted())
        self._counted.move_to_end(reach)
        while len(self._counted) > _REACHES_AT_MOST:
            self._counted.popitem(last=False)
        return counted


async def _by_relation(tx: Tx, scope: Scope) -> Home:
    figures: Home = await _sql.home_by_relation(tx, employees=scope.reach.employees, days=_birthdays())
    return figures


async def _by_branch(tx: Tx, scope: Scope) -> Home:
    figures: Home = await _sql.home_by_branch(tx, branches=scope.reach.branches, days=_birthdays())
    return figures


def _birthdays() -> list[str]:
    today = days.today()
    return [f"{today + timedelta(days=ahead):%m-%d}" for ahead in range(_BIRTHDAY_DAYS)]
