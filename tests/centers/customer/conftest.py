"""A small brokerage, and transactions in somebody's scope."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest

from identity import permission as grants
from kernel.security import scope
from kernel.security.scope import Principal, Scope
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from tests.brokerage import Brokerage, small

Within = Callable[..., AbstractAsyncContextManager[tuple[Tx, Scope]]]


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """Two branches with people in every role and six customers."""
    return await small(database, own_settings)


@pytest.fixture
def within(house: Brokerage) -> Within:
    """Opens a transaction in the scope that an employee has for a permission; commits it at the end."""

    @contextlib.asynccontextmanager
    async def opened(employee_no: str, permission: str = "customer.read") -> AsyncIterator[tuple[Tx, Scope]]:
        async with house.database.transaction() as tx:
            row = await tx.fetchrow("select id, unit_id from employee where employee_no = $1", employee_no)
            assert row is not None
            found = await grants.of(tx, "staff", employee_no, [], row["id"], row["unit_id"])
            principal = Principal(
                audience="staff", subject=employee_no, session_id=UUID(int=1), device_id="d", permissions=found,
                employee=row["id"],
            )  # fmt: skip
            who = Scope(principal=principal, reach=found[permission])
            await scope.apply(tx, who)
            yield tx, who

    return opened
