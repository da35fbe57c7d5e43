"""Whom an investor comes to speak with, and what becomes of a conversation."""

from uuid import UUID

import pytest

from centers.service import attendance, conversation
from kernel.errors import ConversationClosed, NotFound, WrongState
from kernel.store.database import Tx
from mobile_contracts.frame import Rate
from tests.centers.service.conftest import Service

NODE = UUID(int=1)


async def test_the_service_owner_comes_first_and_the_open_conversation_is_found_again(
    service: Service, work: Tx
) -> None:
    line = await service.opened(work, "88000001")
    assert (line.state, line.staff_no) == ("assigned", "1001")
    assert (await service.opened(work, "88000001")).id == line.id


async def test_without_an_owner_the_least_busy_licensed_employee_of_the_branch_who_is_online(
    service: Service, work: Tx
) -> None:
    people = service.brokerage.employees
    await service.opened(work, "88000001")
    await attendance.attend(work, NODE, [people["1001"], people["1002"], people["1003"], people["2001"]])
    line = await service.opened(work, "88000005")
    assert line.staff_no == "1003", "1001 has a conversation, 1002 no licence, 2001 another branch"
    await attendance.set_status(work, people["1001"], "away")
    await attendance.set_status(work, people["1003"], "busy")
    scope, reader = await service.person(work, "staff:1003")
    await conversation.do_close(work, scope, reader, await conversation.check_close(work, scope, reader, line.id))
    assert (await service.opened(work, "88000005")).state == "queued", "nobody is online now"


async def test_from_the_queue_somebody_of_the_branch_takes_it_once(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000005")
    assert (line.state, line.staff_no) == ("queued", None)
    assert await service.sees(work, "staff:1002") == {line.id}
    assert await service.sees(work, "staff:2001") == set()
    scope, reader = await service.person(work, "staff:2001")
    with pytest.raises(NotFound):
        await conversation.check_accept(work, scope, reader, line.id)
    scope, reader = await service.person(work, "staff:1002")
    taken = await conversation.do_accept(
        work, scope, reader, await conversation.check_accept(work, scope, reader, line.id)
    )
    assert (taken.state, taken.staff_no) == ("assigned", "1002")
    assert (
        await conversation.do_accept(work, scope, reader, await conversation.check_accept(work, scope, reader, line.id))
        == taken
    )
    scope, reader = await service.person(work, "staff:1003")
    with pytest.raises(NotFound):
        await conversation.check_accept(work, scope, reader, line.id)


async def test_an_investor_names_somebody_who_looks_after_them_or_is_licensed_in_their_branch(
    service: Service, work: Tx
) -> None:
    assert (await service.opened(work, "88000003", "1002")).staff_no == "1002"
    assert (await service.opened(work, "88000003", "1003")).staff_no == "1003"
    for stranger in ("2001", "1005", "9999"):
        with pytest.raises(NotFound):
            await service.opened(work, "88000003", stranger)


async def test_staff_open_with_customers_in_their_scope_alone(service: Service, work: Tx) -> None:
    scope, reader = await service.person(work, "staff:1001")
    pair = await conversation.check_open_with(work, scope, reader, "88000001")
    line = await conversation.do_open(work, scope, reader, pair, "product")
    assert (line.investor_no, line.staff_no) == ("88000001", "1001")
    with pytest.raises(NotFound):
        await conversation.check_open_with(work, scope, reader, "88000004")


async def test_a_closed_conversation_is_rated_once_by_its_investor(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    investor, customer = await service.person(work, "investor:88000001")
    with pytest.raises(WrongState):
        await conversation.check_rate(work, investor, customer, line.id)
    scope, reader = await service.person(work, "staff:1001")
    closed = await conversation.do_close(
        work, scope, reader, await conversation.check_close(work, scope, reader, line.id)
    )
    assert closed.state == "closed"
    with pytest.raises(ConversationClosed):
        await conversation.check_accept(work, scope, reader, line.id)
    investor, customer = await service.person(work, "investor:88000001")
    wanted = Rate(line.id, 5, "很好")
    await conversation.do_rate(work, investor, await conversation.check_rate(work, investor, customer, line.id), wanted)
    assert await conversation.do_rate(work, investor, closed, wanted) == closed
    for other in (Rate(line.id, 4, "很好"), Rate(line.id, 5)):
        with pytest.raises(WrongState):
            await conversation.do_rate(work, investor, closed, other)
    assert (await service.opened(work, "88000001")).id != line.id


async def test_everything_that_happens_to_a_conversation_stands_in_the_audit_log(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    rows = await work.fetch("select principal, action from audit where noun_id = $1", str(line.id))
    assert [tuple(row) for row in rows] == [("investor:88000001", "conversation.open")]
