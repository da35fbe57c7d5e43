"""The frames of the WebSocket protocol `hexad.v1`, one JSON object each; `type` tells which."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mobile_contracts.device import DeviceId

_NO_CONTROLS = r"^(?![\s\S]*[\x00-\x1f\x7f])"

Token = Annotated[str, Meta(min_length=1, max_length=4096, pattern=_NO_CONTROLS)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1, description="exact in every client's numbers")]
Seconds = Annotated[float, Meta(ge=0)]

ErrorCode = Literal[
    "bad_frame",
    "not_found",
    "not_allowed",
    "too_long",
    "rate_limited",
    "conversation_closed",
    "token_expired",
    "duplicate_other_body",
    "unavailable",
]


class ClientFrame(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What a client sends; an unknown field is an error."""


class Auth(ClientFrame, frozen=True, tag="auth"):
    """Signs in: the first frame, and again at any time to renew the token; answered by `ready`."""

    token: Token
    device_id: DeviceId
    resume: Annotated[
        dict[UUID, Count], Meta(max_length=1000, description="the last seq seen, by conversation_id")
    ] = {}


class Ping(ClientFrame, frozen=True, tag="ping"):
    """Asks for a `pong` with the same number."""

    n: Count


AnyClientFrame = Auth | Ping


class ServerFrame(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """What the server sends; clients ignore types and fields that they do not know."""


class Party(Struct, frozen=True):
    """Somebody in a conversation: `id` is a customer_no or an employee_no."""

    kind: Literal["investor", "staff", "system"]
    id: str
    name: str


class ConversationLine(Struct, frozen=True):
    """Where a conversation stands for the one who signed in."""

    conversation_id: UUID
    peer: Party
    last_seq: Count
    read_seq: Count
    peer_read_seq: Count
    state: str


class Ready(ServerFrame, frozen=True, tag="ready"):
    """The sign-in or renewal succeeded; `principal` is the audience and its number, for instance `staff:10086`."""

    session_id: UUID
    principal: str
    server_time: Annotated[datetime, Meta(tz=True)]
    conversations: list[ConversationLine]
    resync: list[UUID]


class Pong(ServerFrame, frozen=True, tag="pong"):
    """The answer to `ping`."""

    n: Count


class Error(ServerFrame, frozen=True, tag="error"):
    """A frame that was refused, or why the socket is about to be closed."""

    code: ErrorCode
    detail: str
    client_id: UUID | None = None
    conversation_id: UUID | None = None


class Bye(ServerFrame, frozen=True, tag="bye"):
    """The node drains: reconnect elsewhere after this many seconds."""

    retry_after: Seconds


AnyServerFrame = Ready | Pong | Error | Bye
