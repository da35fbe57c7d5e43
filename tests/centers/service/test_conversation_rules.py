"""Who may say what, under which seq: for every order in which messages come."""

from collections import defaultdict
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from centers.service import conversation_rules
from centers.service.conversation_rules import Busy, Known, Line, Person, Reader, Refused, Standing, Stored, Wanted

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
INVESTOR, BROKER, STRANGER = (
    Person("investor", 1, "88000001", "王一"), Person("staff", 1, "1001", "员工"), Person("staff", 2, "1002", "别人"),
)  # fmt: skip
CONVERSATION = UUID(int=1)


def wanted(sender: Person, client: int, body: str = "您好", conversation: UUID = CONVERSATION) -> Wanted:
    return Wanted(conversation, sender, UUID(int=client), UUID(int=1000 + client), "text", body)


def standing(last_seq: int = 0, state: str = "assigned", conversation: UUID = CONVERSATION) -> Standing:
    return Standing(conversation, state, 1, 1, last_seq, NOON)  # type: ignore[arg-type]


def decide(
    messages: list[Wanted], *standings: Standing, known: list[Known] | None = None
) -> list[conversation_rules.Outcome]:
    return conversation_rules.decide(messages, {one.id: one for one in standings}, known or [], frozenset())


def test_seqs_go_on_from_the_last() -> None:
    first, second = decide([wanted(INVESTOR, 1), wanted(BROKER, 2)], standing(7))
    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert (first.said.seq, second.said.seq) == (8, 9)


def test_a_stranger_and_a_conversation_that_is_not_there_look_alike() -> None:
    assert decide([wanted(STRANGER, 1)], standing()) == decide([wanted(BROKER, 1)]) == [Refused("not_found")]


def test_what_another_holds_is_tried_again() -> None:
    assert conversation_rules.decide([wanted(BROKER, 1)], {}, [], frozenset({CONVERSATION})) == [Busy()]


def test_in_a_closed_conversation_only_what_was_said_is_answered() -> None:
    before = Known(CONVERSATION, UUID(int=1), "staff", 1, UUID(int=5), 3, "text", "您好", NOON)
    said, refused = decide([wanted(BROKER, 1), wanted(BROKER, 2)], standing(3, "closed"), known=[before])
    assert isinstance(said, Stored)
    assert (said.said.seq, said.said.message_id, said.new) == (3, UUID(int=5), False)
    assert refused == Refused("conversation_closed")


def test_whoever_handed_over_hears_of_what_they_said_before_and_of_nothing_else() -> None:
    before = Known(CONVERSATION, UUID(int=1), "staff", 2, UUID(int=5), 3, "text", "您好", NOON)
    asked = [wanted(STRANGER, 1), wanted(STRANGER, 1, "别的"), wanted(STRANGER, 2)]
    said, *refused = decide(asked, standing(7), known=[before])
    assert isinstance(said, Stored), "its answer was lost, and then somebody else got the conversation"
    assert (said.said.seq, said.said.message_id, said.new) == (3, UUID(int=5), False)
    assert refused == [Refused("not_found"), Refused("not_found")]


def test_twice_in_one_batch_is_once() -> None:
    first, again, other = decide([wanted(BROKER, 1), wanted(BROKER, 1), wanted(BROKER, 1, "别的")], standing())
    assert isinstance(first, Stored)
    assert isinstance(again, Stored)
    assert (first.new, again.new) == (True, False)
    assert first.said == again.said
    assert other == Refused("duplicate_other_body")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([INVESTOR, BROKER, STRANGER]), st.integers(1, 6), st.sampled_from("ab"), st.integers(1, 3)
        ),
        max_size=40,
    ),
    st.dictionaries(st.integers(1, 3), st.sampled_from(["assigned", "closed"]), max_size=3),
)
def test_no_gap_no_double_whatever_comes(said: list[tuple[Person, int, str, int]], there: dict[int, str]) -> None:
    standings = [standing(10, state, UUID(int=number)) for number, state in there.items()]
    outcomes = decide([wanted(who, client, body, UUID(int=where)) for who, client, body, where in said], *standings)
    new: defaultdict[UUID, list[int]] = defaultdict(list)
    bodies: dict[tuple[UUID, UUID, str, int], tuple[int, str]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Stored):
            one = outcome.said
            key = (one.conversation_id, one.client_id, one.sender_kind, one.sender_id)
            assert bodies.setdefault(key, (one.seq, one.body)) == (one.seq, one.body)
            if outcome.new:
                new[one.conversation_id].append(one.seq)
    assert all(seqs == list(range(11, 11 + len(seqs))) for seqs in new.values())


def test_each_side_sees_the_other() -> None:
    line = Line(CONVERSATION, "assigned", 9, 1, "88000001", "王一", 4, 1, 1, "1001", "员工", 7)
    assert (conversation_rules.line(line, "staff").peer.id, conversation_rules.line(line, "staff").read_seq) == (
        "88000001",
        7,
    )
    mine = conversation_rules.line(line, "investor")
    assert (mine.peer.id, mine.read_seq, mine.peer_read_seq) == ("1001", 4, 7)
    waiting = Line(CONVERSATION, "queued", 9, 1, "88000001", "王一", 4, 1, None, None, None, None)
    assert conversation_rules.line(waiting, "investor").peer.kind == "system"


def test_the_client_id_goes_to_the_senders_own_devices() -> None:
    (stored,) = decide([wanted(INVESTOR, 1)], standing())
    assert isinstance(stored, Stored)
    assert Reader(INVESTOR).said(stored.said)
    assert not Reader(BROKER).said(stored.said), "an employee may have the id of a customer"
    assert conversation_rules.frame(stored.said, own=True).client_id == UUID(int=1)
    assert conversation_rules.frame(stored.said, own=False).client_id is None
