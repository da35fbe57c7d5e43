"""The queue messages between us and gateways, as `docs` name them: sms, email, push out; receipts and replies back.

Decoding is strict: an unknown field, a missing one, or a value out of bounds is an error. Times carry their offset.
"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mobile_contracts.address import Address
from mobile_contracts.base import check_moments

Purpose = Literal["transactional", "service", "marketing"]
ReceiptStatus = Literal["accepted", "delivered", "undelivered", "rejected", "expired"]
Vendor = Literal["apns", "fcm", "huawei", "xiaomi", "oppo", "vivo", "honor"]

Moment = Annotated[datetime, Meta(tz=True)]
Number = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z", description="mobile number in E.164")]
Sender = Annotated[str, Meta(pattern=r"^[0-9]{3,21}\Z", description="access number of the firm")]
Caller = Annotated[
    str,
    Meta(
        pattern=r"^(tel:)?\(?\+?[0-9][0-9 ()-]{1,28}[0-9]\Z",
        description="number as the carrier writes it: 13800138000, 8613800138000, +8613800138000, 008613800138000,"
        " 013800138000; blanks, hyphens and brackets in it do no harm",
        examples=["+8613800138000"],
    ),
]
Called = Annotated[
    str, Meta(pattern=r"^\+?[0-9]{3,24}\Z", description="access number that was written to", examples=["10690000"])
]
Line = Annotated[str, Meta(min_length=1, max_length=998, pattern=r"^[^\r\n\x00]*\Z", description="one line, no NUL")]
Short = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\r\n\x00]*\Z")]
GatewayName = Annotated[Short, Meta(description="the name that was agreed", examples=["cmcc-1"])]
GatewayId = Annotated[
    Short, Meta(description="the gateway's own id of it, the same when it is said again", examples=["M81"])
]
Told = Annotated[
    Moment,
    Meta(
        description="when it happened, with the offset of its zone, from 1970 to 2199",
        examples=["2026-11-24T10:00:05+08:00"],
    ),
]
Body = Annotated[str, Meta(max_length=500_000, pattern=r"^[^\x00]*\Z")]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,75}\Z")]
Attempt = Annotated[int, Meta(ge=1, le=5, description="1 for the first; a repeated id is the same message")]


class _Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="schema"):
    """What every queue message shares: a `schema` that names kind and version."""


class _Outgoing(_Message, frozen=True, kw_only=True):
    id: UUID
    purpose: Purpose
    created_at: Moment
    expires_at: Moment
    attempt: Attempt

    def __post_init__(self) -> None:
        if self.id.version != 7:
            raise ValueError("id is not a UUIDv7")


class Sms(_Outgoing, frozen=True, kw_only=True, tag="hexad.sms/1"):
    """One text message; `segments` is what it costs."""

    to: Number
    sender: Sender
    text: Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"^[^\x00]*\Z")]
    segments: Annotated[int, Meta(ge=1, le=20)]


class Email(_Outgoing, frozen=True, kw_only=True, tag="hexad.email/1", rename={"from_address": "from"}):
    """One e-mail with a text and an HTML part; header values are single lines."""

    to: Address
    from_address: Line
    reply_to: Address | None
    subject: Line
    text: Body
    html: Body
    headers: Annotated[dict[HeaderName, Line], Meta(max_length=20)]


class Push(_Outgoing, frozen=True, kw_only=True, tag="hexad.push/1"):
    """One notification for a phone; `withdraw` names an earlier one that it takes back."""

    vendor: Vendor
    token: Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00]*\Z")]
    title: Line
    body: Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*\Z")]
    link: Line | None
    withdraw: UUID | None


class Receipt(_Message, frozen=True, kw_only=True, tag="hexad.receipt/1"):
    """What a gateway says became of the message `id`; `code` is the gateway's own."""

    id: Annotated[UUID, Meta(description="that of the message", examples=["019a3b5e-0000-7000-8000-000000000001"])]
    gateway: GatewayName
    gateway_id: GatewayId
    status: Annotated[
        ReceiptStatus,
        Meta(
            description="accepted: taken over, a later one says the end; rejected: not taken, nothing was sent;"
            " delivered; undelivered; expired: not sent, as expires_at was over",
            examples=["delivered"],
        ),
    ]
    code: Annotated[
        str,
        Meta(
            max_length=64, pattern=r"^[^\x00]*\Z", description="the carrier's own word for it, empty where it has none",
            examples=["DELIVRD"],
        ),
    ]  # fmt: skip
    at: Told

    def __post_init__(self) -> None:
        check_moments(self)


class Inbound(_Message, frozen=True, kw_only=True, tag="hexad.inbound/1", rename={"from_number": "from"}):
    """A text message that somebody sent us."""

    gateway: GatewayName
    gateway_id: GatewayId
    from_number: Caller
    to: Called
    text: Annotated[
        str, Meta(max_length=1000, pattern=r"^[^\x00]*\Z", description="as it was written, no NUL", examples=["TD"])
    ]
    at: Told

    def __post_init__(self) -> None:
        check_moments(self)
