"""What gateways ask over HTTP: receipts and replies posted, text messages taken on a lease and acknowledged."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Raw

from mobile_contracts.base import Answer, Input
from mobile_contracts.messaging.outbound import Purpose, Sms

ITEMS_AT_MOST = 1000
LEASED_AT_MOST = 500

MadeOf = Literal["bounce", "delay", "delivery", "complaint", "unsubscribe", "auto_reply", "read_receipt", "other"]

Item = Raw


class Items(Input, frozen=True):
    """Messages as they would lie in the queue; each is looked at by itself, so one that is wrong harms no other."""

    items: Annotated[list[Item], Meta(max_length=ITEMS_AT_MOST, description="each is taken, or refused, by itself")]


class Result(Answer, frozen=True, omit_defaults=True):
    """What became of one item: `id` as the item bears it (a reply: its gateway_id), `code` why it was not taken.

    `detail` says it in words, and of an invalid item which field it is: "from: Expected `str`, got `int`".
    """

    id: str
    ok: bool
    code: str | None = None
    detail: str | None = None


class Results(Answer, frozen=True):
    """One for each item, in their order."""

    results: list[Result]


class Returned(Answer, frozen=True):
    """What was made of a mail that came back, and one result for each receipt that was found in it.

    `other` is whatever tells nothing of a message of ours.
    """

    results: list[Result]
    made_of: MadeOf


class LeaseRequest(Input, frozen=True):
    """How many messages are wanted, and for how long; what is not acknowledged by then comes again."""

    purpose: Purpose
    max: Annotated[int, Meta(ge=1, le=LEASED_AT_MOST)]
    seconds: Annotated[int, Meta(ge=1, le=300)]


class Lease(Answer, frozen=True):
    """Messages that nobody else is given until the lease ends."""

    lease: UUID
    items: list[Sms]


class Acknowledgement(Input, frozen=True):
    """Messages of a lease that the gateway has taken over."""

    lease: UUID
    ids: Annotated[list[UUID], Meta(max_length=LEASED_AT_MOST)]
