"""What one socket has been given of each conversation, without I/O: every message once, in order of seq.

A conversation is followed from a seq on. While the socket is behind (it resumes, or a message is missing) nothing live
is given of it: its connection reads what is missing and comes back. For the socket that sent a message, `accepted`
stands in the message's place, whether the message or the word that it is stored comes here first.
"""

from collections import Counter
from uuid import UUID

from msgspec import Struct

from centers.service import conversation_rules
from centers.service.conversation_rules import Said
from mobile_contracts.frame import Accepted, Message

RESUMED_AT_MOST = 1000
"""Messages of one conversation; who missed more asks for history."""
DOUBTFUL_AT_MOST = 1000
"""Messages that were refused and may be stored all the same, of which a socket knows that they are its own."""
_NEWLY_OPENED = 100


class Given(Struct):
    """How far a conversation was given, from where on, and what was accepted further on."""

    begun: int
    seq: int
    accepted: dict[int, list[Accepted]]


class View:
    """The conversations that one socket follows; `behind` are those of which it must be read what is missing."""

    def __init__(self) -> None:
        self.behind: set[UUID] = set()
        self._given: dict[UUID, Given] = {}
        self._sending: Counter[tuple[UUID, UUID]] = Counter()
        self._early: set[tuple[UUID, UUID]] = set()  # of those that are being sent: was seen, so `accepted` was given
        self._doubtful: dict[tuple[UUID, UUID], None] = {}

    def seq(self, conversation_id: UUID) -> int | None:
        """Up to which seq it was given; null when it is not followed."""
        given = self._given.get(conversation_id)
        return None if given is None else given.seq

    def follow(self, conversation_id: UUID, seq: int, head: int) -> None:
        """Follows it from the seq on, unless it does already; `head` is the newest seq that there is."""
        given = self._given.setdefault(conversation_id, Given(seq, seq, {}))
        if given.seq < head:
            self.behind.add(conversation_id)

    def resume(self, conversation_id: UUID, seq: int, head: int) -> bool:
        """Follows it from what the client saw last; false when it must ask for history instead.

        One that is followed already is given in order anyway; only before its first message it can begin earlier.
        """
        given = self._given.get(conversation_id)
        if given is None:
            begin = seq if head - RESUMED_AT_MOST <= seq <= head else head
            self.follow(conversation_id, begin, head)
            return begin == seq
        if seq > max(head, given.seq, *given.accepted):
            return False
        if seq >= given.begun:
            return True
        if given.seq > given.begun or head - seq > RESUMED_AT_MOST:
            return False
        given.begun = given.seq = seq
        self.behind.add(conversation_id)
        return True

    def forget(self, conversation_id: UUID) -> None:
        """Follows it no longer: it is somebody else's now."""
        self._given.pop(conversation_id, None)
        self.behind.discard(conversation_id)

    def leave(self, conversation_id: UUID) -> None:
        """It has closed, and nothing more comes: forgotten, unless something is still to be given."""
        if conversation_id not in self.behind:
            self.forget(conversation_id)

    def sends(self, conversation_id: UUID, client_id: UUID) -> None:
        """A message of this socket is being stored, which may be seen before it is known to be accepted."""
        self._sending[conversation_id, client_id] += 1

    def failed(self, conversation_id: UUID, client_id: UUID, *, doubtful: bool) -> bool:
        """It was not stored, as far as anybody knows; whether that is to be told: not if it was seen meanwhile."""
        key = conversation_id, client_id
        told = key in self._early
        self._early.discard(key)
        self._answered(key)
        if doubtful and not told:
            self._doubtful[key] = None
            if len(self._doubtful) > DOUBTFUL_AT_MOST:
                del self._doubtful[next(iter(self._doubtful))]
        return not told

    def accepted(self, frame: Accepted, *, new: bool = True) -> bool:
        """Whether `accepted` is due now; else it was given, or comes in its place, after those before it.

        One that is not `new` is answered where nothing is followed, since that may have been given, and have closed.
        """
        key = frame.conversation_id, frame.client_id
        self._doubtful.pop(key, None)
        told = key in self._early
        self._early.discard(key)
        self._answered(key)
        if told:
            return False
        given = self._given.get(frame.conversation_id)
        if given is None and not new:
            return True
        if given is None:  # opened over another node a moment ago, or so old that it was not followed from the start
            begin = 0 if frame.seq <= _NEWLY_OPENED else frame.seq - 1
            given = self._given[frame.conversation_id] = Given(begin, begin, {})
        if frame.seq <= given.seq:
            return True
        if frame.seq == given.seq + 1 and frame.conversation_id not in self.behind:
            given.seq = frame.seq
            return True
        given.accepted.setdefault(frame.seq, []).append(frame)
        self.behind.add(frame.conversation_id)
        return False

    def live(self, said: Said, *, own: bool) -> Message | Accepted | None:
        """What is given of a new message now; one that leaves a gap puts the socket behind. `own`: by its principal."""
        given = self._given.get(said.conversation_id)
        if given is None or said.seq <= given.seq or said.conversation_id in self.behind:
            return None
        if said.seq > given.seq + 1:
            self.behind.add(said.conversation_id)
            return None
        given.seq = said.seq
        return self._frame(said, own=own)

    def catch_up(self, said: Said, *, own: bool) -> list[Message | Accepted]:
        """What is given of a message that was read: nothing when its turn has not come, or is over."""
        given = self._given.get(said.conversation_id)
        if given is None or said.seq != given.seq + 1:
            return []
        given.seq = said.seq
        waiting = given.accepted.pop(said.seq, None)
        return [*waiting] if waiting else [self._frame(said, own=own)]

    def caught_up(self, conversation_id: UUID, head: int) -> bool:
        """Whether nothing is missing any more; then it is given live again."""
        given = self._given.get(conversation_id)
        if given is None or given.seq >= max(head, *given.accepted, 0):
            self.behind.discard(conversation_id)
            return True
        return False

    def _frame(self, said: Said, *, own: bool) -> Message | Accepted:
        key = said.conversation_id, said.client_id
        if not own or not (key in self._sending or key in self._doubtful):
            return conversation_rules.frame(said, own=own)
        if key in self._sending:
            self._early.add(key)
        self._doubtful.pop(key, None)
        return conversation_rules.accepted(said)

    def _answered(self, key: tuple[UUID, UUID]) -> None:
        self._sending[key] -= 1
        if self._sending[key] <= 0:
            del self._sending[key]
