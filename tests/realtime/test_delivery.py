"""What goes to whose sockets, and what has to be read first."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from centers.service.conversation_rules import Line, Person, Reader, Said, Stored
from kernel.security.scope import Audience, Principal
from mobile_contracts.event import Marked, StatusChanged
from realtime.connection import Connection, Event
from realtime.delivery import Delivery
from tests.realtime.nobody import Nobody

ONE = UUID(int=1)
CUSTOMER = Person("investor", 1, "88", "王一")
BROKER, OTHER = Person("staff", 1, "1001", "员工"), Person("staff", 2, "1002", "别人")


def line(last_seq: int = 0, state: str = "assigned", staff: Person | None = BROKER) -> Line:
    return Line(
        ONE, state, last_seq, 1, "88", "王一", 0, 7, staff and staff.id, staff and staff.no, staff and staff.name, 0  # type: ignore[arg-type]
    )  # fmt: skip


def revised(revision: int, state: str = "assigned", staff: Person | None = BROKER) -> Line:
    return msgspec.structs.replace(line(state=state, staff=staff), revision=revision)


def said(seq: int, who: Person = CUSTOMER) -> Said:
    return Said(
        ONE, UUID(int=seq), seq, who.kind, who.id, who.no, who.name, "text", datetime(2026, 1, 1, tzinfo=UTC), f"{seq}",
        UUID(int=100 + seq),
    )  # fmt: skip


class Node:
    """A delivery and sockets whose frames are kept."""

    def __init__(self) -> None:
        self.sockets: defaultdict[str, list[Connection]] = defaultdict(list)
        self.frames: dict[Connection, list[bytes]] = {}
        self.delivery = Delivery(lambda name: self.sockets.get(name, ()), lambda: self.frames)

    def enter(self, who: Person, *lines: Line, resume: Mapping[UUID, int] | None = None) -> Connection:
        """Somebody signs in."""

        async def receive() -> Event:
            raise AssertionError

        async def send(event: Event) -> None:
            raise AssertionError

        def write(text: bytes) -> bool:
            self.frames[connection].append(text)
            return True

        connection = Connection(Nobody(), "h", receive, send, lambda code, why: None, write)
        audience: Audience = "staff" if who.kind == "staff" else "investor"
        connection._session.principal = Principal(
            audience=audience, subject=who.no, session_id=UUID(int=9), device_id="d"
        )
        self.frames[connection] = []
        self.sockets[f"{who.kind}:{who.no}"].append(connection)
        self.delivery.arrive(connection, Reader(who, (7,) if who.kind == "staff" else ()), lines, resume or {})
        return connection

    def kinds(self, connection: Connection) -> list[str]:
        """What a socket got: types, messages by their seq."""
        frames = [msgspec.json.decode(one) for one in self.frames[connection]]
        return [str(one["seq"]) if one["type"] == "message" else one["type"] for one in frames]


@pytest.fixture
async def node() -> Node:
    """A node on which nobody is yet."""
    return Node()


async def test_a_message_goes_to_every_socket_of_both_sides(node: Node) -> None:
    phones = [node.enter(who, line()) for who in (CUSTOMER, CUSTOMER, BROKER)]
    stranger = node.enter(OTHER)
    node.delivery.stored(said(1))
    node.delivery.stored(said(1))
    assert [node.kinds(one) for one in phones] == [["1"]] * 3
    assert node.kinds(stranger) == []


async def test_one_that_leaves_a_gap_waits_until_those_before_it_are_read(node: Node) -> None:
    phone = node.enter(BROKER, line())
    node.delivery.stored(said(3))
    assert node.kinds(phone) == []
    assert node.delivery.moved.is_set()
    asked: list[dict[UUID, int]] = []

    async def missed(since: dict[UUID, int], size: int) -> list[Said]:
        asked.append(since)
        return [said(seq) for seq in (1, 2, 3)]

    await node.delivery.read(missed)
    assert asked == [{ONE: 0}]
    assert node.kinds(phone) == ["1", "2", "3"]
    assert node.delivery.head(ONE) == 3


async def test_what_the_bus_told_too_early_is_not_asked_for_ever(node: Node) -> None:
    node.enter(BROKER, line())
    node.delivery.behind(ONE, 5)

    async def missed(since: dict[UUID, int], size: int) -> list[Said]:
        return []

    async with asyncio.timeout(60):
        await node.delivery.read(missed)


async def test_a_conversation_that_cannot_be_read_keeps_no_other_and_is_read_again_later(node: Node) -> None:
    wrong, conversations = UUID(int=2), [UUID(int=number) for number in range(1, 6)]
    for one in conversations:
        node.delivery.changed(msgspec.structs.replace(line(), id=one))
    phone = node.enter(BROKER, *(msgspec.structs.replace(line(), id=one) for one in conversations))
    for one in conversations:
        node.delivery.behind(one, 1)
    broken = True

    async def missed(since: dict[UUID, int], size: int) -> list[Said]:
        if broken and wrong in since:
            raise ValueError("not this one")
        return [msgspec.structs.replace(said(1), conversation_id=one) for one in since]

    await node.delivery.read(missed)
    assert {one: node.delivery.head(one) for one in conversations} == {one: int(one != wrong) for one in conversations}
    assert node.kinds(phone) == ["1"] * 4
    assert node.delivery.failing.problem() == f"{wrong}: ValueError: not this one"
    broken = False
    async with asyncio.timeout(60):
        while node.delivery.head(wrong) == 0:
            await node.delivery.read(missed)
            await asyncio.sleep(0.01)
    assert node.delivery.failing.problem() is None


async def test_a_new_conversation_is_told_to_its_broker_not_to_who_opened_it(node: Node) -> None:
    customer, broker = node.enter(CUSTOMER), node.enter(BROKER)
    node.delivery.changed(line(), but=customer)
    node.delivery.changed(line())
    node.delivery.stored(said(1))
    assert node.kinds(customer) == ["1"]
    assert node.kinds(broker) == ["assigned", "1"]


async def test_a_queue_is_hinted_to_its_branch_once(node: Node) -> None:
    customer, broker, other = node.enter(CUSTOMER), node.enter(BROKER), node.enter(OTHER)
    node.delivery.changed(line(state="queued", staff=None), but=customer)
    node.delivery.changed(line(state="queued", staff=None))
    assert node.kinds(broker) == node.kinds(other) == ["changed"]
    for _ in range(2):
        node.delivery.changed(line())
    assert node.kinds(broker) == ["changed", "assigned"]
    assert node.kinds(other) == ["changed", "changed"], "it is to be had no more"
    assert node.kinds(customer) == ["assigned"]


async def test_when_it_goes_to_somebody_else_the_first_gets_nothing_more(node: Node) -> None:
    first, second, customer = node.enter(BROKER, line()), node.enter(OTHER), node.enter(CUSTOMER, line())
    node.delivery.changed(line(staff=OTHER))
    node.delivery.stored(said(1))
    assert node.kinds(first) == ["closed"]
    assert node.kinds(second) == node.kinds(customer) == ["assigned", "1"]


async def test_a_closing_is_told_once_and_then_forgotten(node: Node) -> None:
    customer, broker = node.enter(CUSTOMER, line()), node.enter(BROKER, line())
    for _ in range(2):
        node.delivery.changed(line(state="closed"))
    assert [msgspec.json.decode(node.frames[one][0])["may_rate"] for one in (customer, broker)] == [True, False]
    assert node.delivery.open_ones() == []
    node.delivery.changed(line(state="closed"))
    assert node.kinds(customer) == ["closed"]
    assert customer.view.seq(ONE) is broker.view.seq(ONE) is None


async def test_what_was_read_before_a_change_undoes_nothing_when_it_comes_late(node: Node) -> None:
    customer, first, second = node.enter(CUSTOMER, line()), node.enter(BROKER, line()), node.enter(OTHER)
    node.delivery.changed(revised(1, staff=OTHER))
    node.delivery.changed(revised(0, staff=BROKER))
    node.delivery.changed(revised(0, state="queued", staff=None))
    node.delivery.stored(said(1))
    assert (node.kinds(first), node.kinds(second)) == (["closed"], ["assigned", "1"])
    node.delivery.changed(revised(2, state="closed", staff=OTHER))
    node.delivery.changed(revised(1, staff=OTHER))
    assert node.kinds(second) == ["assigned", "1", "closed"]
    assert node.kinds(customer) == ["assigned", "1", "closed"]


async def test_who_signs_in_finds_what_the_node_knows_when_that_is_newer(node: Node) -> None:
    node.enter(CUSTOMER, line())
    node.delivery.changed(revised(1, staff=OTHER))
    late = Reader(BROKER, (7,))
    assert node.delivery.current(late, [revised(0, staff=BROKER)]) == []
    first = node.enter(BROKER, *node.delivery.current(late, [revised(0, staff=BROKER)]))
    node.delivery.stored(said(1))
    assert node.kinds(first) == []
    assert [one.staff_no for one in node.delivery.current(Reader(CUSTOMER), [revised(0, staff=BROKER)])] == ["1002"]
    assert [one.staff_no for one in node.delivery.current(Reader(CUSTOMER), [revised(2, staff=BROKER)])] == ["1001"]


async def test_marks_go_to_everybody_but_the_socket_that_made_them(node: Node) -> None:
    customer, broker, second = node.enter(CUSTOMER, line(3)), node.enter(BROKER, line(3)), node.enter(BROKER, line(3))
    node.delivery.marked(Marked(UUID(int=9), ONE, "1001", 3, 2), {broker})
    assert (node.kinds(customer), node.kinds(broker), node.kinds(second)) == (["receipt"], [], ["receipt"])


async def test_nobody_is_told_less_than_they_were_told(node: Node) -> None:
    customer, broker = node.enter(CUSTOMER, line(9)), node.enter(BROKER, line(9))
    for delivered, read in ((5, 2), (4, 2), (3, 3), (5, 3), (8, 1)):
        node.delivery.marked(Marked(UUID(int=9), ONE, "1001", delivered, read))
    told = [msgspec.json.decode(one) for one in node.frames[customer]]
    assert [(one["delivered_seq"], one["read_seq"]) for one in told] == [(5, 2), (5, 3), (8, 3)]
    assert node.kinds(broker) == ["receipt"] * 3, "other devices of the same person"
    stale = line(9)
    assert node.delivery.told(stale).staff_read == 3, "also who signs in with a line that was read before"
    late = node.enter(CUSTOMER, stale)
    node.delivery.marked(Marked(UUID(int=9), ONE, "1001", 7, 2))
    assert node.kinds(late) == []


async def test_marks_that_nobody_spoke_of_are_found_by_looking(node: Node) -> None:
    customer, broker = node.enter(CUSTOMER, line(9)), node.enter(BROKER, line(9))
    found = msgspec.structs.replace(line(9), staff_delivered=7, staff_read=4)
    for _ in range(2):
        node.delivery.changed(found)
    (receipt,) = [msgspec.json.decode(one) for one in node.frames[customer]]
    assert (receipt["by"], receipt["delivered_seq"], receipt["read_seq"]) == ("1001", 7, 4)
    assert node.kinds(broker) == ["receipt"]


async def test_ready_is_followed_by_what_reached_the_other_side_unread(node: Node) -> None:
    known = msgspec.structs.replace(line(9), staff_delivered=7, staff_read=4, investor_delivered=5, investor_read=5)
    node.enter(CUSTOMER, known)
    (receipt,) = node.delivery.receipts(Reader(CUSTOMER), [known])
    assert (receipt.by, receipt.delivered_seq, receipt.read_seq) == ("1001", 7, 4)
    assert node.delivery.receipts(Reader(BROKER), [known]) == [], "all was read"
    assert node.delivery.receipts(Reader(OTHER, (7,)), [known]) == [], "of others' conversations nothing is said"


async def test_who_sends_before_the_node_knows_the_conversation_gets_accepted_in_order(node: Node) -> None:
    broker, told = node.enter(BROKER), [said(1), said(2, BROKER)]
    broker.view.sends(ONE, told[1].client_id)
    broker._unsettled += 1
    broker.stored(Stored(told[1], new=True))
    node.delivery.changed(line(2))
    assert node.kinds(broker) == ["assigned"]

    async def missed(conversation_id: UUID, since: int, size: int) -> list[Said]:
        return told[since:]

    broker._owner.missed, broker._owner.head = missed, node.delivery.head  # type: ignore[method-assign]
    assert await broker._caught_up(ONE)
    assert node.kinds(broker) == ["assigned", "1", "accepted"]
    node.delivery.stored(said(3, BROKER))
    assert node.kinds(broker)[3:] == ["3"]


async def test_messages_between_the_senders_place_and_the_nodes_are_read(node: Node) -> None:
    broker = node.enter(BROKER)
    broker.view.sends(ONE, said(1).client_id)
    broker._unsettled += 1
    broker.view.follow(ONE, 0, 0)
    broker.stored(Stored(said(1, BROKER), new=True))
    assert (node.kinds(broker), broker.view.behind) == (["accepted"], set())
    node.delivery.changed(line(4))
    assert broker.view.behind == {ONE}


async def test_who_can_be_reached_is_told_to_those_they_serve(node: Node) -> None:
    customer, stranger = node.enter(CUSTOMER, line()), node.enter(OTHER)
    node.delivery.reachable(StatusChanged(UUID(int=9), "1001", "away"))
    assert (node.kinds(customer), node.kinds(stranger)) == (["presence"], [])


async def test_resuming_begins_where_the_client_was(node: Node) -> None:
    phone = node.enter(CUSTOMER, line(5), resume={ONE: 3})
    assert phone.view.behind == {ONE}
    late = node.enter(CUSTOMER, line(5), resume={ONE: 9})
    assert late.view.seq(ONE) == 5


async def test_of_another_life_of_the_database_nothing_is_known(node: Node) -> None:
    customer = node.enter(CUSTOMER, line(9))
    node.delivery.forget()
    assert (node.delivery.head(ONE), node.delivery.open_ones()) == (0, [])
    again = node.enter(CUSTOMER, line(7))
    node.delivery.stored(said(8))
    assert (node.kinds(customer), node.kinds(again)) == ([], ["8"])


async def test_what_concerns_nobody_here_is_forgotten(node: Node) -> None:
    customer, colleague = node.enter(CUSTOMER, line()), node.enter(OTHER)
    node.delivery.reachable(StatusChanged(UUID(int=9), "1001", "away"))
    node.delivery.behind(ONE, 3)
    assert node.delivery.open_ones() == [ONE]
    node.delivery.changed(line(state="queued", staff=None))
    node.sockets[f"{CUSTOMER.kind}:{CUSTOMER.no}"].remove(customer)
    assert node.delivery.open_ones() == [ONE], "somebody sees the queue in which it waits"
    node.frames.pop(colleague)
    assert node.delivery.open_ones() == []
    assert (node.delivery._threads, node.delivery._statuses) == ({}, {})
    assert node.delivery._queued == set()
    await node.delivery.read(nothing)
    assert node.delivery._moved == {}


async def nothing(since: dict[UUID, int], size: int) -> list[Said]:
    return []


async def test_a_queue_that_only_its_branch_sees_is_known_and_hinted_when_it_empties(node: Node) -> None:
    colleague = node.enter(OTHER)
    node.delivery.changed(line(state="queued", staff=None))
    assert node.delivery.open_ones() == [ONE]
    node.delivery.changed(line(state="queued", staff=None))
    node.delivery.changed(line())
    assert node.kinds(colleague) == ["changed", "changed"]


async def test_an_investor_is_hinted_when_their_conversation_waits_again(node: Node) -> None:
    customer, broker = node.enter(CUSTOMER, line()), node.enter(BROKER, line())
    node.delivery.changed(line(state="queued", staff=None))
    assert node.kinds(customer) == ["changed"]
    assert node.kinds(broker) == ["changed", "closed"]
    node.delivery.stored(said(1))
    assert node.kinds(customer) == ["changed", "1"]
    assert "1" not in node.kinds(broker)


async def test_who_gets_a_long_conversation_gets_the_end_of_it(node: Node) -> None:
    phone = node.enter(OTHER)
    node.delivery.changed(line(5000, staff=OTHER))
    assert phone.view.seq(ONE) == 4000
