"""A small brokerage whose people speak, in a database of the test's own."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from centers.service import conversation, conversation_list
from centers.service.conversation_rules import Line, Reader
from identity import permission
from kernel.security.scope import NOTHING, Principal, Scope, apply, apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from tests.brokerage import Brokerage, small


class Service:
    """People by number, each with what they may see."""

    def __init__(self, brokerage: Brokerage) -> None:
        self.brokerage, self.database = brokerage, brokerage.database

    async def person(self, tx: Tx, name: str) -> tuple[Scope, Reader]:
        """`staff:1001` or `investor:88000001`, whose scope is set on the transaction; also for who may not chat."""
        audience, no = name.split(":")
        staff = audience == "staff"
        await apply_system(tx, "test", kind="company")
        row = await tx.fetchrow("select id, unit_id from employee where employee_no = $1", no)
        employee, unit = (row["id"], row["unit_id"]) if row else (None, None)
        found = await permission.of(
            tx, "staff" if staff else "investor", no, [] if staff else ["investor"], employee, unit
        )
        reach = found.get("chat.read" if staff else "self.read", NOTHING)
        principal = Principal(
            audience="staff" if staff else "investor", subject=no, session_id=UUID(int=1), device_id="d",
            permissions={**found, "chat.read": reach} if staff else found,
        )  # fmt: skip
        await apply_system(tx, "test", kind="company")
        reader = await conversation_list.reader_of(tx, principal)
        assert reader is not None
        scope = Scope(principal=principal, reach=reach)
        await apply(tx, scope)
        return scope, reader

    async def opened(self, tx: Tx, investor: str, employee_no: str | None = None) -> Line:
        """The conversation that an investor opens."""
        scope, reader = await self.person(tx, f"investor:{investor}")
        pair = await conversation.check_open_own(tx, scope, reader, employee_no)
        return await conversation.do_open(tx, scope, reader, pair, "other")

    async def sees(self, tx: Tx, name: str) -> set[UUID]:
        """The conversations that somebody sees, by the table's policy alone."""
        await self.person(tx, name)
        return {row[0] for row in await tx.fetch("select id from conversation")}


@pytest.fixture
async def service(database: Database, own_settings: Settings) -> Service:
    """The brokerage of `tests.brokerage.small`; employees 1001 and 1003 have licences."""
    brokerage = await small(database, own_settings)
    await brokerage.execute("update employee set licence_no = 'S1' where employee_no in ('1001', '1003')")
    return Service(brokerage)


@pytest.fixture
async def work(service: Service) -> AsyncIterator[Tx]:
    """A transaction of the app in that database."""
    async with service.database.transaction() as tx:
        yield tx
