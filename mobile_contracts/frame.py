"""The frames of the WebSocket protocol `hexad.v1`, one JSON object each; `type` tells which."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mobile_contracts.base import NO_CONTROLS
from mobile_contracts.identity.device import DeviceId

_NO_CONTROLS = r"^(?![\s\S]*[\x00-\x1f\x7f])"

Token = Annotated[str, Meta(min_length=1, max_length=4096, pattern=_NO_CONTROLS)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1, description="exact in every client's numbers")]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1, description="1, 2, 3, … in each conversation, without gaps")]
Seconds = Annotated[float, Meta(ge=0)]
Number = Annotated[str, Meta(min_length=1, max_length=40, pattern=NO_CONTROLS)]
Body = Annotated[str, Meta(description="not blank, without NUL; over 4,000 characters: error too_long")]
Epoch = Annotated[str, Meta(max_length=64, pattern=NO_CONTROLS)]
Comment = Annotated[str, Meta(max_length=1000, pattern=r"^(?![\s\S]*\x00)")]
Time = Annotated[datetime, Meta(tz=True)]

Topic = Literal["advisory", "account", "product", "other"]
State = Literal["assigned", "queued", "closed"]
Kind = Literal["text", "image", "file", "product"]
StaffStatus = Literal["online", "busy", "away"]

ErrorCode = Literal[
    "bad_frame",
    "not_found",
    "not_allowed",
    "too_long",
    "rate_limited",
    "conversation_closed",
    "token_expired",
    "session_ended",
    "wrong_credentials",
    "duplicate_other_body",
    "unavailable",
]


class ClientFrame(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """What a client sends; an unknown field is an error.

    `staff` and `investor` name the permission that it asks of each side, as a route does on its line; whom it asks none
    does not send it.
    """

    staff: ClassVar[str] = ""
    investor: ClassVar[str] = ""

    @classmethod
    def asks(cls, audience: str) -> str:
        """The permission that it asks of a side."""
        return cls.staff if audience == "staff" else cls.investor


class Auth(ClientFrame, frozen=True, tag="auth"):
    """Signs in: the first frame, and again at any time to renew the token; answered by `ready`."""

    token: Token
    device_id: DeviceId
    resume: Annotated[
        dict[UUID, Count], Meta(max_length=1000, description="the last seq seen, by conversation_id")
    ] = {}
    epoch: Annotated[
        Epoch | None,
        Meta(description="of the `ready` after which `resume` was seen; after a restore it is another one"),
    ] = None


class Ping(ClientFrame, frozen=True, tag="ping"):
    """Asks for a `pong` with the same number."""

    n: Count


class Open(ClientFrame, frozen=True, tag="open"):
    """Opens a conversation, or finds the open one of the two: an investor's own, or staff's with one in their scope.

    An investor may name with whom: somebody who looks after them, or who is licensed and works for their branch.
    """

    staff, investor = "chat.write", "self.change"
    client_id: UUID
    topic: Topic = "other"
    employee_no: Number | None = None
    customer_no: Number | None = None


class SendMessage(ClientFrame, frozen=True, tag="send"):
    """Says something; with the same client_id again it is the same message, answered alike. Only `text` for now."""

    staff, investor = "chat.write", "self.change"
    client_id: UUID
    conversation_id: UUID
    kind: Kind
    body: Body | None = None
    attachment_id: UUID | None = None
    product_code: Number | None = None


class Delivered(ClientFrame, frozen=True, tag="delivered"):
    """Everything up to seq has arrived."""

    staff, investor = "chat.read", "self.read"
    conversation_id: UUID
    seq: Seq


class Read(ClientFrame, frozen=True, tag="read"):
    """Everything up to seq was read."""

    staff, investor = "chat.read", "self.read"
    conversation_id: UUID
    seq: Seq


class HistoryWanted(ClientFrame, frozen=True, tag="history"):
    """Asks for the newest messages, or those before a seq."""

    staff, investor = "chat.read", "self.read"
    conversation_id: UUID
    limit: Annotated[int, Meta(ge=1, le=100)]
    before_seq: Seq | None = None


class Accept(ClientFrame, frozen=True, tag="accept"):
    """Staff: takes a conversation from the queue of one's branch; `advisory` and `product` take a licence in force."""

    staff = "chat.take"
    conversation_id: UUID


class CloseConversation(ClientFrame, frozen=True, tag="close"):
    """Staff: ends a conversation of one's own."""

    staff = "chat.write"
    conversation_id: UUID


class Rate(ClientFrame, frozen=True, tag="rate"):
    """An investor judges a closed conversation, once."""

    investor = "self.change"
    conversation_id: UUID
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Comment = ""


class Status(ClientFrame, frozen=True, tag="status"):
    """Staff: says whether new conversations may come."""

    staff = "chat.write"
    status: StaffStatus


Asked = Open | SendMessage | Delivered | Read | HistoryWanted | Accept | CloseConversation | Rate | Status
"""The frames of the chat."""

AnyClientFrame = Auth | Ping | Asked


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
    """The sign-in or renewal succeeded; `principal` is the audience and its number, for instance `staff:10086`.

    Each has at most 500 conversations: with `more`, the rest follows in further ones at once. `epoch` goes into the
    next `auth` with `resume`: once the database was put back to an earlier point, seqs of before are in `resync`.
    """

    session_id: UUID
    principal: str
    server_time: Annotated[datetime, Meta(tz=True)]
    conversations: list[ConversationLine]
    resync: list[UUID]
    more: bool = False
    epoch: str = ""


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


class Opened(ServerFrame, frozen=True, tag="opened"):
    """The answer to `open`; `position` is the place in the queue, from 1."""

    client_id: UUID
    conversation_id: UUID
    state: State
    position: Count | None = None


class Accepted(ServerFrame, frozen=True, tag="accepted"):
    """The message is stored; this socket does not get it as `message`."""

    client_id: UUID
    conversation_id: UUID
    message_id: UUID
    seq: Seq
    at: Time


class Sender(Struct, frozen=True):
    """Who said something: `id` is a customer_no or an employee_no."""

    kind: Literal["investor", "staff", "system"]
    id: str
    name: str


class Message(ServerFrame, frozen=True, tag="message"):
    """Something was said; `client_id` is for the devices of who said it."""

    conversation_id: UUID
    message_id: UUID
    seq: Seq
    sender: Sender
    kind: Kind
    at: Time
    body: str | None = None
    client_id: UUID | None = None


class History(ServerFrame, frozen=True, tag="history"):
    """The answer to `history`, in order of seq; `more` when there are older ones still."""

    conversation_id: UUID
    messages: list[Message]
    more: bool


class Receipt(ServerFrame, frozen=True, tag="receipt"):
    """How far somebody has got; `by` is their number."""

    conversation_id: UUID
    by: str
    delivered_seq: Count | None = None
    read_seq: Count | None = None


class Presence(ServerFrame, frozen=True, tag="presence"):
    """An employee, by number, can or cannot be reached now."""

    id: str
    status: Literal["online", "busy", "away", "offline"]


class Employee(Struct, frozen=True):
    """An employee; `id` is the employee_no."""

    id: str
    name: str


class Assigned(ServerFrame, frozen=True, tag="assigned"):
    """The conversation is now with this employee."""

    conversation_id: UUID
    employee: Employee


class Closed(ServerFrame, frozen=True, tag="closed"):
    """The conversation has ended, by the employee with this number; `may_rate`: you may say how it was.

    For an employee who had it, it ends too when it is somebody else's (`by` whom), or waits in the queue (`by` nobody).
    """

    conversation_id: UUID
    by: str
    may_rate: bool


class Notice(ServerFrame, frozen=True, tag="notice"):
    """A notification in the app."""

    id: UUID
    kind: str
    title: str
    body: str
    at: Time
    link: str | None = None


class Changed(ServerFrame, frozen=True, tag="changed"):
    """A hint that there is something new to fetch; `what` names it."""

    what: Literal["customers", "alerts", "tasks", "conversations"]


AnyServerFrame = (
    Ready | Pong | Error | Bye | Opened | Accepted | Message | History | Receipt | Presence | Assigned | Closed | Notice
    | Changed
)  # fmt: skip
