"""On what ground an employee has a conversation, and where it goes when the ground is gone."""

from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from centers.service import conversation as actions
from centers.service import conversation_list, holding, message
from centers.service.conversation_rules import Wanted
from identity import principal
from kernel.errors import NotFound
from kernel.security.scope import apply_system
from kernel.store.database import Tx
from tests.centers.service.conftest import Service

_NIL = UUID(int=0)
_ROOT = Path(__file__).parents[3]


async def lost(work: Tx) -> list[tuple[str, str]]:
    """Routes again whatever may be: by customer_no, who had it."""
    await apply_system(work, "chat", kind="company")
    found = await holding.check_holders(work, await holding.assigned_after(work, _NIL, 1000))
    await holding.do_route_again(work, found)
    numbers = {row[0]: row[1] for row in await work.fetch("select id, customer_no from customer")}
    return sorted((numbers[one.customer_id], one.employee_no) for one in found)


async def stands(work: Tx, conversation: UUID) -> tuple[str, str | None]:
    """State and employee of a conversation."""
    await apply_system(work, "chat", kind="company")
    row = await work.fetchrow(
        "select c.state, e.employee_no from conversation c left join employee e on e.id = c.employee_id"
        " where c.id = $1",
        conversation,
    )
    assert row is not None
    return row[0], row[1]


async def end(work: Tx, customer_no: str, employee_no: str) -> None:
    await apply_system(work, "test", kind="company")
    await work.execute(
        "update relation r set valid_to = current_date from customer c, employee e"
        " where c.id = r.customer_id and e.id = r.employee_id and c.customer_no = $1 and e.employee_no = $2",
        customer_no, employee_no,
    )  # fmt: skip


async def say(work: Tx, service: Service, name: str, conversation: UUID, *numbers: int) -> None:
    _, reader = await service.person(work, name)
    await apply_system(work, "chat", kind="company")
    wanted = [Wanted(conversation, reader.person, UUID(int=n), UUID(int=100 + n), "text", f"{n}") for n in numbers]
    await message.store(work, wanted)


async def reads(work: Tx, service: Service, name: str, conversation: UUID) -> list[int]:
    """The seqs that somebody reads, which are those that the table's policy alone lets them see."""
    scope, reader = await service.person(work, name)
    try:
        found = await message.history(work, scope, reader, conversation, None, 100)
    except NotFound:
        seqs = []
    else:
        seqs = [one.seq for one in found.messages]
    seen = await work.fetch("select seq from message where conversation_id = $1 order by seq", conversation)
    assert [row[0] for row in seen] == seqs, name
    return seqs


async def test_nobody_loses_what_they_have_on_good_ground(service: Service, work: Tx) -> None:
    by_relation = await service.opened(work, "88000001")
    queued = await service.opened(work, "88000005")
    scope, reader = await service.person(work, "staff:1002")
    await actions.do_accept(work, scope, reader, await actions.check_accept(work, scope, reader, queued.id))
    scope, reader = await service.person(work, "staff:1007")
    await actions.do_open(work, scope, reader, await actions.check_open_with(work, scope, reader, "88000006"), "other")
    assert await lost(work) == [], "by relation, for the branch, and by a role over the region"
    assert (await stands(work, by_relation.id), await stands(work, queued.id)) == (
        ("assigned", "1001"), ("assigned", "1002"),
    )  # fmt: skip


async def test_a_role_of_the_session_alone_reaches_as_well(service: Service, work: Tx) -> None:
    await work.execute("delete from assignment where employee_id = $1", service.brokerage.employees["1007"])
    session = await principal.open_session(work, "staff", "1007", ["service_agent"], "d", 600)
    scope, reader = await service.person(work, "staff:1008")
    pair = await actions.check_open_with(work, scope, reader, "88000006")
    line = await actions.do_open(work, scope, reader, pair, "other")
    await apply_system(work, "test", kind="company")
    await work.execute(
        "update conversation set employee_id = $2 where id = $1", line.id, service.brokerage.employees["1007"]
    )
    await work.execute("update employee set unit_id = $1 where employee_no = '1007'", service.brokerage.units["south"])
    assert await lost(work) == []
    await work.execute("update session set revoked_at = now() where id = $1", session)
    assert await lost(work) == [("88000006", "1007")]


async def test_with_the_relation_it_goes_to_the_service_owner(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000003", "1002")
    await say(work, service, "investor:88000003", line.id, 1, 2)
    await end(work, "88000003", "1002")
    assert await lost(work) == [("88000003", "1002")]
    assert await stands(work, line.id) == ("assigned", "1001")
    await say(work, service, "investor:88000003", line.id, 3)
    assert await reads(work, service, "staff:1001", line.id) == [1, 2, 3]
    assert await reads(work, service, "staff:1002", line.id) == [], "an own scope reaches the customer no more"
    assert await lost(work) == []


async def test_without_an_owner_it_waits_for_others_than_who_had_it(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000004")
    await say(work, service, "investor:88000004", line.id, 1)
    await end(work, "88000004", "1003")
    assert await lost(work) == [("88000004", "1003")]
    assert await stands(work, line.id) == ("queued", None)
    await say(work, service, "investor:88000004", line.id, 2)
    assert await reads(work, service, "staff:1002", line.id) == [1, 2], "a colleague sees the queue"
    assert await reads(work, service, "staff:1003", line.id) == []
    scope, reader = await service.person(work, "staff:1003")
    assert await conversation_list.list_lines(work, scope, reader, [line.id]) == []
    with pytest.raises(NotFound):
        await actions.check_accept(work, scope, reader, line.id)


async def placed(work: Tx) -> list[UUID]:
    """Moves what waits and belongs elsewhere."""
    await apply_system(work, "chat", kind="company")
    found = await holding.find_misplaced(work, 0, 1000)
    return await holding.do_place(work, found.misplaced)


async def test_what_waits_goes_to_the_service_owner_who_comes_later_also_to_who_had_it(
    service: Service, work: Tx
) -> None:
    line = await service.opened(work, "88000004")
    await say(work, service, "investor:88000004", line.id, 1)
    await end(work, "88000004", "1003")
    assert await lost(work) == [("88000004", "1003")]
    await say(work, service, "investor:88000004", line.id, 2)
    assert await placed(work) == [], "nobody looks after the customer"
    await work.execute(
        "update relation r set valid_to = null from employee e where e.id = r.employee_id and e.employee_no = '1003'"
    )
    assert await placed(work) == [line.id]
    assert await stands(work, line.id) == ("assigned", "1003")
    assert await reads(work, service, "staff:1003", line.id) == [1, 2]
    assert (await lost(work), await placed(work)) == ([], [])
    row = await work.fetchrow("select revision from conversation where id = $1", line.id)
    assert row is not None
    assert row[0] == 2


async def test_what_waits_goes_along_with_the_customer_to_another_branch(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000004")
    await end(work, "88000004", "1003")
    await lost(work)
    await work.execute(
        "update customer set branch_id = (select id from unit where code = 'b2') where id = $1", line.customer_id
    )
    assert await placed(work) == [line.id]
    assert await reads(work, service, "staff:1002", line.id) == [], "of the branch that the customer left"
    assert line.id not in await service.sees(work, "staff:1002")
    await apply_system(work, "chat", kind="company")
    row = await work.fetchrow(
        "select u.code, c.state from conversation c join unit u on u.id = c.branch_id where c.id = $1", line.id
    )
    assert row is not None
    assert tuple(row) == ("b2", "queued")


async def test_whoever_reaches_the_customer_by_their_role_reads_what_was_said_before(
    service: Service, work: Tx
) -> None:
    await service.brokerage.relate("88000005", "1005", "develop")
    line = await service.opened(work, "88000005", "1005")
    await say(work, service, "investor:88000005", line.id, 1, 2)
    await end(work, "88000005", "1005")
    assert await lost(work) == [("88000005", "1005")]
    scope, reader = await service.person(work, "staff:1002")
    await actions.do_accept(work, scope, reader, await actions.check_accept(work, scope, reader, line.id))
    await say(work, service, "investor:88000005", line.id, 3)
    assert await reads(work, service, "staff:1005", line.id) == [1, 2], "the manager's branch has the customer"
    scope, reader = await service.person(work, "staff:1005")
    for asks in (actions.check_accept, actions.check_close):
        with pytest.raises(NotFound):
            await asks(work, scope, reader, line.id)


async def test_a_relation_that_came_later_is_a_ground_as_well(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000005")
    scope, reader = await service.person(work, "staff:1002")
    await actions.do_accept(work, scope, reader, await actions.check_accept(work, scope, reader, line.id))
    await service.brokerage.relate("88000005", "1002", "develop")
    assert await lost(work) == []
    await end(work, "88000005", "1002")
    assert await lost(work) == [("88000005", "1002")]


async def test_who_left_or_went_to_another_branch_has_nothing_any_more(service: Service, work: Tx) -> None:
    owned = await service.opened(work, "88000004")
    queued = await service.opened(work, "88000005")
    scope, reader = await service.person(work, "staff:1002")
    await actions.do_accept(work, scope, reader, await actions.check_accept(work, scope, reader, queued.id))
    await work.execute("update employee set unit_id = $1 where employee_no = '1002'", service.brokerage.units["b2"])
    await work.execute("update employee set left_on = current_date where employee_no = '1003'")
    assert await lost(work) == [("88000004", "1003"), ("88000005", "1002")]
    assert await stands(work, owned.id) == await stands(work, queued.id) == ("queued", None)


async def test_several_of_one_customer_may_wait(service: Service, work: Tx) -> None:
    both = [await service.opened(work, "88000003", no) for no in ("1001", "1002")]
    for no in ("1001", "1002"):
        await end(work, "88000003", no)
    assert await lost(work) == [("88000003", "1001"), ("88000003", "1002")]
    assert [await stands(work, one.id) for one in both] == [("queued", None)] * 2


async def test_what_was_closed_is_read_while_the_customer_is_reached(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    await say(work, service, "investor:88000001", line.id, 1)
    scope, reader = await service.person(work, "staff:1001")
    await actions.do_close(work, scope, reader, await actions.check_close(work, scope, reader, line.id))
    assert await reads(work, service, "staff:1001", line.id) == [1]
    await end(work, "88000001", "1001")
    assert await reads(work, service, "staff:1001", line.id) == []
    scope, reader = await service.person(work, "staff:1001")
    assert await conversation_list.list_lines(work, scope, reader, [line.id]) == []


async def test_each_change_of_hands_stands_in_the_audit_log(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    await end(work, "88000001", "1001")
    await lost(work)
    rows = await work.fetch("select principal, action from audit where noun_id = $1", str(line.id))
    assert [tuple(row) for row in rows] == [
        ("investor:88000001", "conversation.open"), ("system:chat", "conversation.reroute"),
    ]  # fmt: skip


async def test_one_that_another_transaction_holds_comes_the_next_time(service: Service) -> None:
    async with service.database.transaction() as tx:
        line = await service.opened(tx, "88000001")
        await end(tx, "88000001", "1001")
    async with service.database.transaction() as holder, service.database.transaction() as tx:
        await apply_system(holder, "chat", kind="company")
        await holder.fetch("select from conversation where id = $1 for no key update", line.id)
        await apply_system(tx, "chat", kind="company")
        found = await holding.check_holders(tx, [line.id])
        assert (len(found), await holding.do_route_again(tx, found)) == (1, [])
    async with service.database.transaction() as tx:
        assert await lost(tx) == [("88000001", "1001")]


async def test_conversations_from_before_grounds_were_known_stand_on_theirs(service: Service) -> None:
    (path,) = (_ROOT / "kernel/schema/migrations").glob("*_what_conversations_stand_on.sql")
    async with service.database.transaction() as tx:
        line, other = await service.opened(tx, "88000001"), await service.opened(tx, "88000003", "1003")
        await say(tx, service, "investor:88000001", line.id, 1, 2)
        await say(tx, service, "staff:1001", line.id, 3)
        await end(tx, "88000001", "1001")
        await tx.execute("update conversation set by_relation = false, investor_seq = 0, staff_seq = 0")
    owner = await asyncpg.connect(service.brokerage.settings.owner_url)
    await owner.execute(path.read_text())
    await owner.close()
    async with service.database.transaction() as tx:
        await apply_system(tx, "chat", kind="company")
        rows = await tx.fetch("select id, by_relation, investor_seq, staff_seq from conversation")
        assert {tuple(row) for row in rows} == {(line.id, True, 2, 3), (other.id, False, 0, 0)}
        assert await lost(tx) == [("88000001", "1001")]
