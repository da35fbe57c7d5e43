"""Who can be reached: whom some node holds, as long as it says so."""

from uuid import UUID

from centers.service import attendance
from kernel.store.database import Tx
from tests.centers.service.conftest import Service

ONE, OTHER = UUID(int=1), UUID(int=2)


async def status(tx: Tx, no: str) -> str:
    (found,) = await attendance.statuses(tx, [no])
    return found.status


async def test_an_employee_is_there_while_a_node_says_so(service: Service, work: Tx) -> None:
    employee = service.brokerage.employees["1001"]
    assert await status(work, "1001") == "offline"
    await attendance.attend(work, ONE, [employee])
    await attendance.attend(work, OTHER, [employee])
    assert await status(work, "1001") == "online"
    await attendance.set_status(work, employee, "busy")
    await attendance.leave(work, ONE, [])
    assert await status(work, "1001") == "busy", "the other node has a socket still"
    await attendance.leave(work, OTHER, [])
    assert await status(work, "1001") == "offline"


async def test_a_node_that_died_speaks_for_nobody(service: Service, work: Tx) -> None:
    await attendance.attend(work, ONE, [service.brokerage.employees["1001"]])
    await work.execute("update attendance set seen_at = now() - interval '16 seconds'")
    assert await status(work, "1001") == "offline"
