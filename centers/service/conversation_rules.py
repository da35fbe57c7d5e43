"""What is said where and by whom, and who may answer: decided on values, without I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from mobile_contracts.frame import (
    Accepted,
    Assigned,
    ConversationLine,
    Employee,
    Kind,
    Message,
    Party,
    Sender,
    State,
    Topic,
)

BODY_AT_MOST = 4000
"""Characters of one message."""

PartyKind = Literal["investor", "staff"]
Refusal = Literal["not_found", "conversation_closed", "duplicate_other_body", "unavailable"]


class Person(Struct, frozen=True):
    """Somebody who takes part: `id` is the database's, `no` a customer_no or employee_no."""

    kind: PartyKind
    id: int
    no: str
    name: str


class Reader(Struct, frozen=True):
    """Who looks at conversations; `queues`: the branches whose queues an employee sees."""

    person: Person
    queues: tuple[int, ...] = ()

    @property
    def customer(self) -> int | None:
        """The id of an investor."""
        return self.person.id if self.person.kind == "investor" else None

    @property
    def employee(self) -> int | None:
        """The id of an employee."""
        return self.person.id if self.person.kind == "staff" else None

    def said(self, message: "Said") -> bool:
        """Whether the message is their own."""
        return (message.sender_kind, message.sender_id) == (self.person.kind, self.person.id)


class Line(Struct, frozen=True):
    """A conversation as it stands, with how far each side has got; `staff_…` is null in a queue.

    `revision` grows with each change of state or employee: two lines of one conversation may come in any order.
    """

    id: UUID
    state: State
    last_seq: int
    customer_id: int
    investor_no: str
    investor_name: str
    investor_read: int
    branch_id: int
    employee_id: int | None
    staff_no: str | None
    staff_name: str | None
    staff_read: int | None
    topic: Topic = "other"
    investor_delivered: int = 0
    investor_mark: int = 0
    staff_delivered: int | None = None
    staff_mark: int | None = None
    revision: int = 0


class Said(Struct, frozen=True):
    """A message as it is stored, with the number and name of who said it."""

    conversation_id: UUID
    message_id: UUID
    seq: int
    sender_kind: PartyKind
    sender_id: int
    sender_no: str
    sender_name: str
    kind: Kind
    at: datetime
    body: str
    client_id: UUID


class Wanted(Struct, frozen=True):
    """A message to store; `message_id` is its id should it be new."""

    conversation_id: UUID
    sender: Person
    client_id: UUID
    message_id: UUID
    kind: Kind
    body: str


class Standing(Struct, frozen=True):
    """A conversation whose row is locked, and the moment in which it was."""

    id: UUID
    state: State
    customer_id: int
    employee_id: int | None
    last_seq: int
    at: datetime


class Known(Struct, frozen=True):
    """A message that is stored under a client_id already."""

    conversation_id: UUID
    client_id: UUID
    sender_kind: PartyKind
    sender_id: int
    message_id: UUID
    seq: int
    kind: Kind
    body: str
    at: datetime


class Stored(Struct, frozen=True):
    """The message has its place; `new` unless it had it before."""

    said: Said
    new: bool


class Refused(Struct, frozen=True):
    """The message is not stored."""

    code: Refusal


class Busy(Struct, frozen=True):
    """Somebody else holds the conversation's row just now: to be tried again."""


Outcome = Stored | Refused | Busy


def decide(
    wanted: Sequence[Wanted], standings: Mapping[UUID, Standing], known: Sequence[Known], held: frozenset[UUID]
) -> list[Outcome]:
    """What becomes of each message, in their order: seqs go on from those of the locked rows without gaps.

    `held` are conversations whose rows another transaction has.
    """
    told = {(one.conversation_id, one.client_id, one.sender_kind, one.sender_id): one for one in known}
    heads = {standing.id: standing.last_seq for standing in standings.values()}
    outcomes: list[Outcome] = []
    for one in wanted:
        standing = standings.get(one.conversation_id)
        if standing is None:
            outcomes.append(Busy() if one.conversation_id in held else Refused("not_found"))
            continue
        key = (one.conversation_id, one.client_id, one.sender.kind, one.sender.id)
        outcome = _place(one, standing, told.get(key), heads)
        if isinstance(outcome, Stored) and outcome.new:
            told[key] = _known(outcome.said)
        outcomes.append(outcome)
    return outcomes


def takes_part(who: Person, customer_id: int, employee_id: int | None) -> bool:
    """Whether the person is one of the two."""
    return who.id == (customer_id if who.kind == "investor" else employee_id)


def needs_licence(topic: Topic) -> bool:
    """Whether an employee who takes a conversation about this from the queue advises, or speaks for a product."""
    return topic in ("advisory", "product")


def frame(said: Said, *, own: bool) -> Message:
    """The message as it travels; `own`: to a device of who said it."""
    return Message(
        said.conversation_id, said.message_id, said.seq, Sender(said.sender_kind, said.sender_no, said.sender_name),
        said.kind, said.at, said.body, said.client_id if own else None,
    )  # fmt: skip


def accepted(said: Said) -> Accepted:
    """What the socket gets that sent the message."""
    return Accepted(said.client_id, said.conversation_id, said.message_id, said.seq, said.at)


def line(of: Line, kind: PartyKind) -> ConversationLine:
    """The conversation as one of its sides sees it."""
    if kind == "staff":
        peer = Party("investor", of.investor_no, of.investor_name)
        return ConversationLine(of.id, peer, of.last_seq, of.staff_read or 0, of.investor_read, of.state)
    peer = Party("system", "", "") if of.staff_no is None else Party("staff", of.staff_no, of.staff_name or "")
    return ConversationLine(of.id, peer, of.last_seq, of.investor_read, of.staff_read or 0, of.state)


def assigned(of: Line) -> Assigned:
    """Says whose the conversation is now."""
    return Assigned(of.id, Employee(of.staff_no or "", of.staff_name or ""))


def _place(one: Wanted, standing: Standing, before: Known | None, heads: dict[UUID, int]) -> Outcome:
    if before is not None and (before.kind, before.body) == (one.kind, one.body):
        return Stored(_said(one, before.message_id, before.seq, before.at), new=False)  # also to who has it no longer
    if not takes_part(one.sender, standing.customer_id, standing.employee_id):
        return Refused("not_found")
    if before is not None:
        return Refused("duplicate_other_body")
    if standing.state == "closed":
        return Refused("conversation_closed")
    heads[standing.id] += 1
    return Stored(_said(one, one.message_id, heads[standing.id], standing.at), new=True)


def _said(one: Wanted, message_id: UUID, seq: int, at: datetime) -> Said:
    who = one.sender
    return Said(
        one.conversation_id, message_id, seq, who.kind, who.id, who.no, who.name, one.kind, at, one.body, one.client_id
    )


def _known(said: Said) -> Known:
    return Known(
        said.conversation_id, said.client_id, said.sender_kind, said.sender_id, said.message_id, said.seq, said.kind,
        said.body, said.at,
    )  # fmt: skip
