"""What one socket may do and when it ends, without I/O: frames and the clock go in, effects come out.

Closed at once: a message over 64 KiB (1009), more than 20 a second with 100 in reserve (4029), binary, bad JSON, an
unknown type or field (4400), no `auth` in time and an expired token (4401). A value that its field does not take is
answered with `error` `bad_frame`, and so is every frame but `auth` before the sign-in, with `not_allowed`. A frame of
the chat goes on as `Ask` when this side sends it and whoever signed in has the permission that it asks for.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from centers.service.conversation_rules import BODY_AT_MOST
from kernel.security.scope import Principal
from mobile_contracts.base import BLANK
from mobile_contracts.frame import (
    AnyClientFrame,
    Asked,
    Auth,
    Bye,
    ConversationLine,
    Error,
    ErrorCode,
    Open,
    Ping,
    Pong,
    Ready,
    SendMessage,
    ServerFrame,
)
from realtime.wire import Broken, read

FRAME_BYTES = 64 * 1024
FRAMES_A_SECOND, FRAMES_AT_ONCE = 20.0, 100.0
AUTH_SECONDS = 5.0
LAST_LOOK_SECONDS = 0.25
"""When a stranger's time is up, what lies there is read: the node may have stood still itself."""

LINES_AT_ONCE = 500
"""Conversations in one `ready`; the rest follows in further ones."""

GOING, TOO_BIG, BROKEN, SIGN_IN, TOO_SLOW, TOO_FAST = 1012, 1009, 4400, 4401, 4008, 4029
"""The close codes that we give."""
CODES = frozenset({*range(1000, 1016), BROKEN, SIGN_IN, TOO_SLOW, TOO_FAST})
"""Those that are told apart in metrics: ours and the protocol's own."""

_REASON_BYTES = 123


class Send(Struct, frozen=True):
    """Send this frame."""

    frame: ServerFrame


class Close(Struct, frozen=True):
    """Close the socket; nothing is sent after it."""

    code: int
    reason: str


class Authenticate(Struct, frozen=True):
    """Find out who this is, then call `authenticated`, `refused` or `unavailable`."""

    token: str
    device_id: str
    resume: Mapping[UUID, int] = {}
    epoch: str | None = None


class Ask(Struct, frozen=True):
    """Do what this frame of the chat asks for, and answer it before the next one is read."""

    frame: Asked


Effect = Send | Close | Authenticate | Ask


class Rate:
    """How many may come: `FRAMES_A_SECOND` in the long run, `FRAMES_AT_ONCE` after a pause."""

    def __init__(self, now: float) -> None:
        self._left, self._at = FRAMES_AT_ONCE, now

    def take(self, now: float) -> bool:
        """Counts one more at `now`; false when it is too many."""
        earned = max(0.0, now - self._at) * FRAMES_A_SECOND
        self._left, self._at = min(FRAMES_AT_ONCE, self._left + earned), max(self._at, now)
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Session:
    """The state of one socket; every time is in seconds of one monotonic clock."""

    def __init__(self, now: float) -> None:
        self.principal: Principal | None = None
        self.closed = False
        self._rate = Rate(now)
        self._ends = now + AUTH_SECONDS
        self._asked = self._last_look = False

    @property
    def deadline(self) -> float:
        """When `tick` has something to do at the latest; infinite when nothing is due."""
        return math.inf if self.closed or self._asked else self._ends

    def receive(self, message: str | bytes, now: float) -> list[Effect]:
        """One message of the client."""
        due = self.tick(now) if self.principal else []
        if due or self.closed:
            return due
        if not self._rate.take(now):
            return self._close(TOO_FAST, f"more than {FRAMES_A_SECOND:.0f} frames a second")
        return self._read(message)

    def tick(self, now: float) -> list[Effect]:
        """The clock moved: closes what is over, a stranger at the second time. While somebody signs in nothing is."""
        if now < self.deadline:
            return []
        if self.principal is None and not self._last_look:
            self._last_look, self._ends = True, now + LAST_LOOK_SECONDS
            return []
        if self.principal is None:
            return self._close(SIGN_IN, f"no auth within {AUTH_SECONDS:.0f} s")
        return self._close(SIGN_IN, "the token expired", "token_expired")

    def belongs_to_another(self, principal: Principal) -> bool:
        """Whether somebody else signed in on this socket."""
        return self.principal is not None and self.principal.name != principal.name

    def authenticated(
        self, principal: Principal, expires: float, at: datetime, now: float,
        conversations: Sequence[ConversationLine] = (), resync: Sequence[UUID] = (), epoch: str = "",
    ) -> list[Effect]:  # fmt: skip
        """The token is good until `expires`; `at` is the time of day. A renewal must be by the same principal."""
        if self.belongs_to_another(principal):
            return self.refused("not_allowed", "this socket belongs to another principal", now)
        self._asked = False
        if self.closed:
            return []
        self.principal, self._ends = principal, expires
        pages = range(0, len(conversations), LINES_AT_ONCE) or (0,)
        ready = [
            Ready(
                principal.session_id, principal.name, at, list(conversations[page : page + LINES_AT_ONCE]),
                [] if page else list(resync), page != pages[-1], epoch,
            )
            for page in pages
        ]  # fmt: skip
        return self.tick(now) or [Send(one) for one in ready]

    def renewed(self, principal: Principal) -> None:
        """What the same principal may do has changed."""
        if self.principal is not None:
            self.principal = principal

    def refused(self, code: ErrorCode, why: str, now: float, close: int = SIGN_IN) -> list[Effect]:
        """The token is not good: the end of a socket without a principal; a renewal that fails changes nothing."""
        self._asked = False
        if self.closed:
            return []
        if self.principal is None:
            return self._close(close, why, code)
        return [_error(code, why), *self.tick(now)]

    def unavailable(self, now: float) -> list[Effect]:
        """Nobody can tell just now whether the token is good: the client may try again, with a new 5 s to do so."""
        self._asked = False
        if self.closed:
            return []
        if self.principal is None:
            self._ends, self._last_look = now + AUTH_SECONDS, False
        return [_error("unavailable", "the sign-in cannot be checked just now: try again"), *self.tick(now)]

    def revoked(self) -> list[Effect]:
        """The session behind the socket has ended."""
        return self._close(SIGN_IN, "the session has ended", "session_ended")

    def drain(self, retry_after: float) -> list[Effect]:
        """The node stops."""
        return [] if self.closed else [Send(Bye(retry_after)), *self._close(GOING, "the node drains")]

    def _read(self, message: str | bytes) -> list[Effect]:
        if isinstance(message, bytes):
            return self._close(BROKEN, "frames are text, not binary")
        data = message.encode("utf-8", "surrogatepass")
        if len(data) > FRAME_BYTES:
            return self._close(TOO_BIG, f"a frame has at most {FRAME_BYTES} bytes")
        match read(data):
            case Broken(why, hopeless=True):
                return self._close(BROKEN, why)
            case Broken(why, _, client_id, conversation_id):
                return [Send(Error("bad_frame", why, client_id, conversation_id))]
            case frame:
                return self._answer(frame)

    def _answer(self, frame: AnyClientFrame) -> list[Effect]:
        match frame:
            case Auth():
                self._asked = True
                return [Authenticate(frame.token, frame.device_id, frame.resume, frame.epoch)]
            case _ if self.principal is None:
                return [_error("not_allowed", "the first frame is auth")]
            case Ping():
                return [Send(Pong(frame.n))]
            case _:
                fault = _fault(frame, self.principal)
                return [Ask(frame)] if fault is None else [Send(fault)]

    def _close(self, code: int, reason: str, error: ErrorCode | None = None) -> list[Effect]:
        if self.closed:
            return []
        self.closed = True
        short = reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")
        return [*([_error(error, reason)] if error else []), Close(code, short)]


def _error(code: ErrorCode, detail: str) -> Send:
    return Send(Error(code, detail))


def _fault(frame: Asked, principal: Principal) -> Error | None:
    """Why this side does not send this frame so, null when it does."""
    staff, permission = principal.audience == "staff", frame.asks(principal.audience)
    if not permission:
        return refused(frame, "not_allowed", "this frame is for the other side")
    if permission not in principal.permissions:
        return refused(frame, "not_allowed", f"permission {permission}")
    match frame:
        case SendMessage():
            return _fault_of_message(frame)
        case Open() if staff and (frame.customer_no is None or frame.employee_no is not None):
            return refused(frame, "bad_frame", "staff open a conversation with a customer_no")
        case Open() if not staff and frame.customer_no is not None:
            return refused(frame, "bad_frame", "an investor opens a conversation of their own")
    return None


def _fault_of_message(frame: SendMessage) -> Error | None:
    if frame.kind != "text":
        return refused(frame, "not_allowed", "only text can be sent for now")
    if frame.body is None or frame.attachment_id is not None or frame.product_code is not None:
        return refused(frame, "bad_frame", "a text has a body, and nothing else")
    if "\0" in frame.body or BLANK.fullmatch(frame.body):
        return refused(frame, "bad_frame", "the body of a text is not blank, and has no NUL")
    if len(frame.body) > BODY_AT_MOST:
        return refused(frame, "too_long", f"a message has at most {BODY_AT_MOST} characters")
    return None


def refused(frame: Asked, code: ErrorCode, detail: str) -> Error:
    """The error that answers a frame of the chat, with the ids that it named."""
    return Error(code, detail, getattr(frame, "client_id", None), getattr(frame, "conversation_id", None))
