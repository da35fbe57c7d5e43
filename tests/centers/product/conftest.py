"""A brokerage with products, and transactions as one of its customers."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest

from kernel.security import scope
from kernel.security.scope import Principal, Reach, Scope
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from tests.brokerage import Brokerage, small
from tests.products import stocked

As = Callable[..., AbstractAsyncContextManager[tuple[Tx, Scope]]]


@pytest.fixture
async def shop(database: Database, own_settings: Settings) -> Brokerage:
    """A small brokerage with three products."""
    house = await small(database, own_settings)
    await stocked(house)
    return house


@pytest.fixture
def as_investor(shop: Brokerage) -> As:
    """Opens a transaction as the customer of a number; commits it at the end."""

    @contextlib.asynccontextmanager
    async def opened(customer_no: str = "88000001") -> AsyncIterator[tuple[Tx, Scope]]:
        async with shop.database.transaction() as tx:
            principal = Principal(audience="investor", subject=customer_no, session_id=UUID(int=1), device_id="d")
            who = Scope(principal=principal, reach=Reach(kind="self", customer=shop.customers.get(customer_no, 0)))
            await scope.apply(tx, who)
            yield tx, who

    return opened
