"""Messages of many in one transaction, and marks that only rise."""

import asyncio
from uuid import UUID

import pytest

from centers.service import conversation as actions
from centers.service import conversation_list, conversation_rules, holding, message
from centers.service.conversation_rules import Busy, Outcome, Refused, Stored, Wanted
from centers.service.message import Progress
from kernel.errors import NotFound
from kernel.security.scope import apply, apply_system
from kernel.store.database import Tx
from tests.centers.service.conftest import Service


def wanted(sender: object, conversation: UUID, client: int, body: str = "您好") -> Wanted:
    return Wanted(conversation, sender, UUID(int=client), UUID(int=1000 + client), "text", body)  # type: ignore[arg-type]


def seqs(outcomes: list[Outcome]) -> list[int | str]:
    return [one.said.seq if isinstance(one, Stored) else getattr(one, "code", "busy") for one in outcomes]


async def test_a_batch_of_several_conversations(service: Service, work: Tx) -> None:
    one, other = await service.opened(work, "88000001"), await service.opened(work, "88000004")
    (_, first), (_, second) = await service.person(work, "investor:88000001"), await service.person(work, "staff:1003")
    await apply_system(work, "chat", kind="company")
    batch = [
        wanted(first.person, one.id, 1), wanted(second.person, other.id, 2), wanted(first.person, one.id, 3),
        wanted(first.person, other.id, 4), wanted(first.person, UUID(int=0), 5),
    ]  # fmt: skip
    assert seqs(await message.store(work, batch)) == [1, 1, 2, "not_found", "not_found"]
    assert seqs(await message.store(work, batch[:1])) == [1], "the same again"
    assert await message.store(work, [wanted(first.person, one.id, 1, "别的")]) == [Refused("duplicate_other_body")]
    rows = await work.fetch("select conversation_id, seq, body from message order by 1, 2")
    assert sorted((row[0], row[1]) for row in rows) == sorted([(one.id, 1), (one.id, 2), (other.id, 1)])
    read = await message.missed(work, {one.id: 1, other.id: 0}, 10)
    assert {(one.conversation_id, one.seq, one.sender_no) for one in read} == {
        (one.id, 2, "88000001"), (other.id, 1, "1003"),
    }  # fmt: skip


async def test_a_conversation_that_another_transaction_holds_is_busy_and_others_go_on(service: Service) -> None:
    async with service.database.transaction() as tx:
        one, other = await service.opened(tx, "88000001"), await service.opened(tx, "88000004")
        (_, first), (_, second) = await service.person(tx, "staff:1001"), await service.person(tx, "staff:1003")
    async with service.database.transaction() as holder, service.database.transaction() as tx:
        for each in (holder, tx):
            await apply_system(each, "chat", kind="company")
        await message.store(holder, [wanted(first.person, one.id, 1)])
        async with asyncio.timeout(60):
            found = await message.store(tx, [wanted(first.person, one.id, 2), wanted(second.person, other.id, 3)])
        assert found[0] == Busy()
        assert seqs(found) == ["busy", 1]
    async with service.database.transaction() as tx:
        await apply_system(tx, "chat", kind="company")
        assert seqs(await message.store(tx, [wanted(first.person, one.id, 2)])) == [2]


async def test_marks_rise_and_stay_below_what_was_said(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    (_, customer), (_, broker) = (
        await service.person(work, "investor:88000001"),
        await service.person(work, "staff:1001"),
    )
    (_, stranger) = await service.person(work, "staff:1002")
    await apply_system(work, "chat", kind="company")
    await message.store(work, [wanted(customer.person, line.id, n) for n in range(1, 4)])
    (rose,) = await message.mark(work, [Progress(line.id, broker.person, delivered=2)])
    assert (rose.no, rose.delivered_seq, rose.read_seq) == ("1001", 2, 0)
    assert await message.mark(work, [Progress(line.id, broker.person, delivered=1)]) == []
    (rose,) = await message.mark(work, [Progress(line.id, broker.person, read=99)])
    assert (rose.delivered_seq, rose.read_seq) == (3, 3)
    assert await message.mark(work, [Progress(line.id, stranger.person, read=1)]) == []


async def test_history_goes_backwards_in_pages(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    _, customer = await service.person(work, "investor:88000001")
    await apply_system(work, "chat", kind="company")
    await message.store(work, [wanted(customer.person, line.id, n, f"第{n}句") for n in range(1, 8)])
    scope, broker = await service.person(work, "staff:1001")
    newest = await message.history(work, scope, broker, line.id, None, 3)
    assert ([one.seq for one in newest.messages], newest.more) == ([5, 6, 7], True)
    oldest = await message.history(work, scope, broker, line.id, 5, 4)
    assert ([one.body for one in oldest.messages], oldest.more) == (["第1句", "第2句", "第3句", "第4句"], False)
    scope, stranger = await service.person(work, "staff:1002")
    with pytest.raises(NotFound):
        await message.history(work, scope, stranger, line.id, None, 3)


async def test_what_one_said_oneself_is_read(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000001")
    scope, customer = await service.person(work, "investor:88000001")
    _, broker = await service.person(work, "staff:1001")
    await apply_system(work, "chat", kind="company")
    await message.store(work, [wanted(customer.person, line.id, n) for n in (1, 2, 3)])
    await message.store(work, [wanted(broker.person, line.id, n) for n in (4, 5)])
    await apply(work, scope)
    (found,) = await conversation_list.list_lines(work, scope, customer)
    of_investor, of_staff = conversation_rules.line(found, "investor"), conversation_rules.line(found, "staff")
    assert (of_investor.last_seq, of_investor.read_seq, of_investor.peer_read_seq) == (5, 3, 5)
    assert (of_staff.last_seq, of_staff.read_seq, of_staff.peer_read_seq) == (5, 5, 3)
    await apply_system(work, "chat", kind="company")
    (rose,) = await message.mark(work, [Progress(line.id, customer.person, read=2)])
    assert rose.read_seq == 3, "nobody is told less than they were"


async def test_what_the_one_before_said_is_not_read_by_who_has_it_now(service: Service, work: Tx) -> None:
    line = await service.opened(work, "88000005")
    scope, broker = await service.person(work, "staff:1002")
    await actions.do_accept(work, scope, broker, await actions.check_accept(work, scope, broker, line.id))
    await apply_system(work, "chat", kind="company")
    await message.store(work, [wanted(broker.person, line.id, 1)])
    await work.execute("update employee set left_on = current_date where employee_no = '1002'")
    await holding.do_route_again(work, await holding.check_holders(work, [line.id]))
    scope, colleague = await service.person(work, "staff:1001")
    waits = await actions.check_accept(work, scope, colleague, line.id)
    found = conversation_rules.line(await actions.do_accept(work, scope, colleague, waits), "staff")
    assert (found.last_seq, found.read_seq) == (1, 0)
