"""The first administrator is there before anybody who could make one, and is made once."""

import pytest

from centers.employee.administrator import make
from kernel.errors import InvalidInput
from kernel.store.database import Tx


async def test_somebody_new_stands_in_the_company_itself(tx: Tx) -> None:
    assert await make(tx, "boss", "老板")
    row = await tx.fetchrow(
        "select e.name, e.source, u.kind, a.role, a.unit_id from employee e join unit u on u.id = e.unit_id"
        " join assignment a on a.employee_id = e.id where e.employee_no = 'boss'"
    )
    assert row is not None
    assert tuple(row) == ("老板", "command", "company", "administrator", None)
    assert await tx.fetchval("select payload->>'employee_no' from outbox where kind = 'PersonChanged'") == "boss"


async def test_somebody_known_keeps_everything_and_gets_the_role_once(tx: Tx) -> None:
    assert await make(tx, "boss", "老板")
    await tx.execute("delete from assignment")
    assert not await make(tx, "boss", "somebody else")
    assert not await make(tx, "boss", "somebody else")
    assert await tx.fetchval("select name from employee where employee_no = 'boss'") == "老板"
    assert await tx.fetchval("select count(*) from assignment") == 1
    assert await tx.fetchval("select count(*) from audit where action = 'administrator.make'") == 2


async def test_somebody_who_left_is_refused(tx: Tx) -> None:
    await make(tx, "boss", "老板")
    await tx.execute("update employee set left_on = current_date")
    with pytest.raises(InvalidInput, match="left"):
        await make(tx, "boss", "老板")
