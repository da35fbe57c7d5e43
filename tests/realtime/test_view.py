"""What one socket is given: every message once and in order, whatever comes live, is read, or was accepted."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from centers.service.conversation_rules import Said
from mobile_contracts.frame import Accepted, Message, ServerFrame
from realtime.view import DOUBTFUL_AT_MOST, RESUMED_AT_MOST, View

ONE, OWN = UUID(int=1), UUID(int=99)


def client(seq: int) -> UUID:
    return UUID(int=1000 + seq)


def accepted(seq: int, client_id: UUID = OWN) -> Accepted:
    return Accepted(client_id, ONE, UUID(int=seq), seq, datetime(2026, 1, 1, tzinfo=UTC))


def said(seq: int, client_id: UUID | None = None) -> Said:
    """Said by the socket's own principal; by others without a client_id."""
    who = ("staff", 2, "1002", "别人") if client_id is None else ("investor", 1, "88", "王一")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Said(ONE, UUID(int=seq), seq, *who, "text", at, "好", client_id or client(seq))  # type: ignore[arg-type]


def shown(*frames: ServerFrame | None) -> list[str]:
    """Frames in short."""
    return [f"{type(one).__name__} {one.seq}" for one in frames if isinstance(one, Message | Accepted)]


def live(view: View, seq: int, client_id: UUID | None = None) -> list[str]:
    return shown(view.live(said(seq, client_id), own=client_id is not None))


def read(view: View, *seqs: int, own: UUID | None = None) -> list[str]:
    """What is given of messages that were read; the last is the socket's own."""
    ones = [said(seq, own if seq == seqs[-1] else None) for seq in seqs]
    return shown(*(frame for one in ones for frame in view.catch_up(one, own=one.client_id == own)))


def test_live_messages_are_given_in_order_and_once() -> None:
    view = View()
    view.follow(ONE, 3, 3)
    assert [live(view, seq) for seq in (3, 4, 4)] == [[], ["Message 4"], []]
    assert view.behind == set()


def test_a_conversation_that_is_not_followed_gives_nothing() -> None:
    view = View()
    assert live(view, 1) == []
    view.follow(ONE, 0, 0)
    view.forget(ONE)
    assert live(view, 1) == []


def test_a_closed_one_is_left_when_all_of_it_was_given() -> None:
    view = View()
    view.follow(ONE, 0, 1)
    view.leave(ONE)
    assert view.seq(ONE) == 0, "something is still to be given"
    assert read(view, 1) == ["Message 1"]
    assert view.caught_up(ONE, 0)
    view.leave(ONE)
    assert view.seq(ONE) is None
    view.sends(ONE, OWN)
    assert view.accepted(accepted(1), new=False), "the same again is answered"
    assert (view.seq(ONE), view.behind) == (None, set()), "and nothing of it comes twice"


def test_a_gap_puts_the_socket_behind_until_it_was_read() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    assert live(view, 2) == []
    assert view.behind == {ONE}
    assert live(view, 3) == []
    assert read(view, 1, 2, 3) == ["Message 1", "Message 2", "Message 3"]
    assert view.caught_up(ONE, 3)
    assert live(view, 4) == ["Message 4"]


def test_accepted_stands_in_the_place_of_ones_own_message() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert view.accepted(accepted(1))
    assert live(view, 1, OWN) == [], "it has it already"
    other = client(3)
    view.sends(ONE, other)
    assert not view.accepted(accepted(3, other)), "the second one comes first"
    assert not view.caught_up(ONE, 0), "though nobody here has heard of the conversation"
    assert read(view, 2, 3, own=other) == ["Message 2", "Accepted 3"]
    assert view.caught_up(ONE, 0)


def test_a_message_that_is_seen_before_it_is_known_to_be_accepted_is_accepted_once() -> None:
    for seen in (live, lambda view, seq, own: read(view, seq, own=own)):
        view = View()
        view.follow(ONE, 0, 0)
        view.sends(ONE, OWN)
        assert seen(view, 1, OWN) == ["Accepted 1"]
        assert not view.accepted(accepted(1))
        view.sends(ONE, OWN)
        assert view.accepted(accepted(1)), "the same again is answered again"


def test_another_ones_message_under_the_same_client_id_is_no_answer() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, client(1))
    assert live(view, 1) == ["Message 1"]


def test_one_of_which_nobody_knew_whether_it_is_stored_is_accepted_when_it_is_seen() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert view.failed(ONE, OWN, doubtful=True)
    assert live(view, 1, OWN) == ["Accepted 1"]


def test_one_that_was_seen_is_not_refused_any_more() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert live(view, 1, OWN) == ["Accepted 1"]
    assert not view.failed(ONE, OWN, doubtful=True)


def test_what_is_doubtful_is_remembered_in_bounds() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    for number in range(DOUBTFUL_AT_MOST + 1):
        view.sends(ONE, client(number))
        view.failed(ONE, client(number), doubtful=True)
    assert live(view, 1, client(0)) == ["Message 1"]
    assert live(view, 2, client(1)) == ["Accepted 2"]


def test_the_same_frame_ten_times_has_ten_answers_also_where_they_must_wait() -> None:
    for behind in (False, True):
        view = View()
        view.follow(ONE, 0, 1 if behind else 0)
        for _ in range(10):
            view.sends(ONE, OWN)
        given = sum(view.accepted(accepted(2 if behind else 1)) for _ in range(10))
        waiting = read(view, 1, 2, own=OWN) if behind else []
        assert given + waiting.count("Accepted 2") == 10


def test_what_is_sent_where_nothing_is_followed_yet_comes_in_order() -> None:
    view = View()
    view.sends(ONE, OWN)
    assert not view.accepted(accepted(2)), "opened elsewhere a moment ago: there is a first message"
    view.follow(ONE, 0, 2)
    assert read(view, 1, 2, own=OWN) == ["Message 1", "Accepted 2"]
    old = View()
    old.sends(ONE, OWN)
    assert old.accepted(accepted(5000)), "one that was not followed from the start is followed from now on"
    assert live(old, 5001) == ["Message 5001"]


def test_a_repetition_is_answered_at_once() -> None:
    view = View()
    view.follow(ONE, 5, 5)
    view.sends(ONE, OWN)
    assert view.accepted(accepted(2))


def test_resuming_gives_what_was_missed_or_asks_for_history() -> None:
    for seq, head, resumed in ((3, 7, True), (7, 7, True), (0, RESUMED_AT_MOST, True), (0, RESUMED_AT_MOST + 1, False),
                               (8, 7, False)):  # fmt: skip
        view = View()
        assert view.resume(ONE, seq, head) is resumed
        assert view.seq(ONE) == (seq if resumed else head)
        assert (ONE in view.behind) == (resumed and seq < head)


def test_resuming_on_an_open_socket_begins_earlier_only_before_its_first_message() -> None:
    view = View()
    view.follow(ONE, 5, 5)
    assert view.resume(ONE, 5, 5)
    assert view.behind == set()
    assert view.resume(ONE, 3, 5)
    assert (view.seq(ONE), view.behind) == (3, {ONE})
    assert read(view, 4, 5) == ["Message 4", "Message 5"]
    assert view.caught_up(ONE, 5)
    assert view.resume(ONE, 4, 5), "it was given, so it is no matter"
    assert not view.resume(ONE, 2, 5)
    assert not view.resume(ONE, 6, 5), "nobody has written that far: it is of a life of the database that is over"


class Story:
    """One socket and a conversation in which it and others speak."""

    def __init__(self) -> None:
        self.view, self.got, self.clients, self.sent = View(), list[int](), dict[int, UUID](), set[int]()
        self.view.follow(ONE, 0, 0)

    @property
    def head(self) -> int:
        return len(self.clients)

    def add(self) -> tuple[int, UUID]:
        self.clients[self.head + 1] = client(self.head + 1)
        return self.head, self.clients[self.head]

    def _given(self, *frames: ServerFrame | None) -> None:
        self.got += [one.seq for one in frames if isinstance(one, Message | Accepted)]

    def own(self) -> None:
        """This socket sends; every second time the message is seen before it is known to be accepted."""
        seq, client_id = self.add()
        self.sent.add(seq)
        self.view.sends(ONE, client_id)
        if seq % 2:
            self._given(self.view.live(said(seq, client_id), own=True))
        if self.view.accepted(accepted(seq, client_id)):
            self.got.append(seq)

    def other(self) -> None:
        """Another one sends, and it comes live."""
        seq, _ = self.add()
        self._given(self.view.live(said(seq), own=False))

    def lost(self) -> None:
        """Another one sends, and nobody says so."""
        self.add()

    def repeat(self) -> None:
        """This socket sends again what it has."""
        if self.got:
            assert self.view.accepted(accepted(self.got[-1], self.clients[self.got[-1]]))

    def read(self) -> None:
        """What is missing is read."""
        if self.view.behind:
            for seq in range((self.view.seq(ONE) or 0) + 1, self.head + 1):
                own = seq in self.sent
                self._given(*self.view.catch_up(said(seq, self.clients[seq] if own else None), own=own))
            assert self.view.caught_up(ONE, self.head)


@given(st.lists(st.sampled_from(["own", "other", "lost", "repeat", "read"]), max_size=60))
def test_every_message_comes_once_and_in_order(steps: list[str]) -> None:
    story = Story()
    for step in steps:
        getattr(story, step)()
    story.view.behind.add(ONE)
    story.read()
    assert story.got == list(range(1, story.head + 1))
