"""What one socket has been given of each conversation, without I/O: every message once, in order of seq.

A conversation is followed from a seq on. While the socket is behind (it resumes, or a message is missing) nothing live
is given of it: its connection reads what is missing and comes back. For the socket that sent a message, `accepted`
stands in the message's place.
"""

from uuid import UUID

from msgspec import Struct

from mobile_contracts.frame import Accepted

RESUMED_AT_MOST = 1000
"""Messages of one conversation; who missed more asks for history."""


class Given(Struct):
    """How far a conversation was given, from where on, and what was accepted further on."""

    begun: int
    seq: int
    accepted: dict[int, Accepted]


class View:
    """The conversations that one socket follows; `behind` are those of which it must be read what is missing."""

    def __init__(self) -> None:
        self.behind: set[UUID] = set()
        self._given: dict[UUID, Given] = {}
        self._sending: set[tuple[UUID, UUID]] = set()

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
        self._sending.add((conversation_id, client_id))

    def failed(self, conversation_id: UUID, client_id: UUID) -> None:
        """It was not stored, as far as anybody knows."""
        self._sending.discard((conversation_id, client_id))

    def accepted(self, frame: Accepted) -> bool:
        """Whether `accepted` is due now; else it comes in its place, after those before it."""
        self._sending.discard((frame.conversation_id, frame.client_id))
        given = self._given.get(frame.conversation_id)
        if given is None or frame.seq <= given.seq:
            return True
        if frame.seq == given.seq + 1 and frame.conversation_id not in self.behind:
            given.seq = frame.seq
            return True
        given.accepted[frame.seq] = frame
        self.behind.add(frame.conversation_id)
        return False

    def live(self, conversation_id: UUID, seq: int, client_id: UUID) -> bool:
        """Whether a new message is given now; one that leaves a gap puts the socket behind."""
        given = self._given.get(conversation_id)
        if given is None or seq <= given.seq or conversation_id in self.behind:
            return False
        if seq > given.seq + 1 or (conversation_id, client_id) in self._sending:
            self.behind.add(conversation_id)
            return False
        given.seq = seq
        return True

    def catch_up(self, conversation_id: UUID, seq: int, client_id: UUID) -> Accepted | bool:
        """Whether a message that was read is given, or the `accepted` in its place; one being stored is waited for."""
        given = self._given.get(conversation_id)
        if given is None or seq != given.seq + 1:
            return False
        if frame := given.accepted.pop(seq, None):
            given.seq = seq
            return frame
        if (conversation_id, client_id) in self._sending:
            return False
        given.seq = seq
        return True

    def caught_up(self, conversation_id: UUID, head: int) -> bool:
        """Whether nothing is missing any more; then it is given live again."""
        given = self._given.get(conversation_id)
        if given is None or given.seq >= head:
            self.behind.discard(conversation_id)
            return True
        return False
