"""What one socket is given: every message once and in order, whatever comes live, is read, or was accepted."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mobile_contracts.frame import Accepted
from realtime.view import RESUMED_AT_MOST, View

ONE, OWN = UUID(int=1), UUID(int=99)


def client(seq: int) -> UUID:
    return UUID(int=1000 + seq)


def accepted(seq: int, client_id: UUID = OWN) -> Accepted:
    return Accepted(client_id, ONE, UUID(int=seq), seq, datetime(2026, 1, 1, tzinfo=UTC))


def test_live_messages_are_given_in_order_and_once() -> None:
    view = View()
    view.follow(ONE, 3, 3)
    assert not view.live(ONE, 3, client(3))
    assert view.live(ONE, 4, client(4))
    assert not view.live(ONE, 4, client(4))
    assert view.behind == set()


def test_a_conversation_that_is_not_followed_gives_nothing() -> None:
    view = View()
    assert not view.live(ONE, 1, client(1))
    view.follow(ONE, 0, 0)
    view.forget(ONE)
    assert not view.live(ONE, 1, client(1))


def test_a_closed_one_is_left_when_all_of_it_was_given() -> None:
    view = View()
    view.follow(ONE, 0, 1)
    view.leave(ONE)
    assert view.seq(ONE) == 0, "something is still to be given"
    assert view.catch_up(ONE, 1, client(1))
    assert view.caught_up(ONE, 0)
    view.leave(ONE)
    assert view.seq(ONE) is None


def test_a_gap_puts_the_socket_behind_until_it_was_read() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    assert not view.live(ONE, 2, client(2))
    assert view.behind == {ONE}
    assert not view.live(ONE, 3, client(3))
    assert [view.catch_up(ONE, seq, client(seq)) for seq in (1, 2, 3)] == [True, True, True]
    assert view.caught_up(ONE, 3)
    assert view.live(ONE, 4, client(4))


def test_accepted_stands_in_the_place_of_ones_own_message() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert view.accepted(accepted(1))
    assert not view.live(ONE, 1, OWN), "it has it already"
    view.sends(ONE, OWN)
    assert not view.accepted(accepted(3)), "the second one comes first"
    assert [view.catch_up(ONE, seq, client(seq)) for seq in (2, 3)] == [True, accepted(3)]


def test_a_message_that_is_seen_before_it_is_known_to_be_accepted_waits() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert not view.live(ONE, 1, OWN)
    assert not view.catch_up(ONE, 1, OWN)
    assert not view.accepted(accepted(1))
    assert view.catch_up(ONE, 1, OWN) == accepted(1)


def test_one_whose_sender_never_learned_of_it_comes_as_a_message() -> None:
    view = View()
    view.follow(ONE, 0, 0)
    view.sends(ONE, OWN)
    assert not view.live(ONE, 1, OWN)
    view.failed(ONE, OWN)
    assert view.catch_up(ONE, 1, OWN) is True


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
    assert [view.catch_up(ONE, seq, client(seq)) for seq in (4, 5)] == [True, True]
    assert view.caught_up(ONE, 5)
    assert view.resume(ONE, 4, 5), "it was given, so it is no matter"
    assert not view.resume(ONE, 2, 5)


class Story:
    """One socket and a conversation in which it and others speak."""

    def __init__(self) -> None:
        self.view, self.got, self.clients = View(), list[int](), dict[int, UUID]()
        self.view.follow(ONE, 0, 0)

    @property
    def head(self) -> int:
        return len(self.clients)

    def add(self) -> tuple[int, UUID]:
        self.clients[self.head + 1] = client(self.head + 1)
        return self.head, self.clients[self.head]

    def own(self) -> None:
        """This socket sends; every second time the message is seen before it is known to be accepted."""
        seq, client_id = self.add()
        self.view.sends(ONE, client_id)
        assert not (seq % 2 and self.view.live(ONE, seq, client_id))
        if self.view.accepted(accepted(seq, client_id)):
            self.got.append(seq)

    def other(self) -> None:
        """Another one sends, and it comes live."""
        seq, client_id = self.add()
        if self.view.live(ONE, seq, client_id):
            self.got.append(seq)

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
                if self.view.catch_up(ONE, seq, self.clients[seq]):
                    self.got.append(seq)
            assert self.view.caught_up(ONE, self.head)


@given(st.lists(st.sampled_from(["own", "other", "lost", "repeat", "read"]), max_size=60))
def test_every_message_comes_once_and_in_order(steps: list[str]) -> None:
    story = Story()
    for step in steps:
        getattr(story, step)()
    story.view.behind.add(ONE)
    story.read()
    assert story.got == list(range(1, story.head + 1))
