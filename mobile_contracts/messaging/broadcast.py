"""Broadcasts (群发): one text for many, from the start to the last receipt, and the messages of each."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from mobile_contracts.base import Answer, Input
from mobile_contracts.customer.customer import CustomerNo
from mobile_contracts.messaging.outbound import Moment, Purpose
from mobile_contracts.messaging.template import Channel, Code, Values

BroadcastState = Literal["running", "paused", "cancelled", "done"]
MessageState = Literal[
    "queued", "sending", "unknown", "sent", "delivered", "undelivered", "expired", "failed", "skipped", "held"
]
Channels = Annotated[
    list[Channel], Meta(min_length=1, max_length=3, description="the first that is possible for a person is taken")
]


class CareWanted(Input, frozen=True):
    """A care message (关怀) to chosen customers of one's own."""

    template: Code
    values: Values
    channels: Channels
    customer_nos: Annotated[list[CustomerNo], Meta(min_length=1, max_length=500)]


class BroadcastWanted(Input, frozen=True):
    """A message to all customers of some branches who are not closed; after `expires_at` it makes no sense."""

    template: Code
    values: Values
    channels: Channels
    branch_codes: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(min_length=1, max_length=500)]
    not_before: Moment | None = None
    expires_at: Moment | None = None


class BroadcastLine(Answer, frozen=True):
    """A broadcast in a list; `total` are the people it is for."""

    id: UUID
    kind: str
    template: str
    template_version: int
    purpose: Purpose
    channels: list[str]
    state: BroadcastState
    total: int
    started_by: str
    created_at: datetime
    not_before: datetime
    expires_at: datetime
    finished_at: datetime | None
    version: int


class Counts(Answer, frozen=True):
    """Messages by state; those not made yet are queued, so that the sum is the total, always."""

    queued: int = 0
    sending: int = 0
    unknown: int = 0
    sent: int = 0
    delivered: int = 0
    undelivered: int = 0
    expired: int = 0
    failed: int = 0
    skipped: int = 0
    held: int = 0


class Progress(Answer, frozen=True):
    """How far it is: `done` of `total` wait no more; `rate` per second since it began; `seconds_left` at that rate.

    `waiting_for` its `start`, or the `hours` in which people may be written to: `next_at` is when it goes on, null
    where it will have expired by then.
    """

    broadcast: BroadcastLine
    counts: Counts
    skipped: dict[str, int]
    done: int
    total: int
    rate: float
    seconds_left: float | None
    waiting_for: Literal["start", "hours"] | None = None
    next_at: datetime | None = None


class OutgoingMessage(Answer, frozen=True):
    """One message of a broadcast; `reason` says why it was skipped or failed."""

    id: UUID
    customer_no: str
    name: str
    channel: str
    state: MessageState
    reason: str | None
    attempt: int
    at: datetime
