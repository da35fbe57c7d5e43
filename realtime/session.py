"""What one socket may do and when it ends, without I/O: frames and the clock go in, effects come out.

Closed at once: a message over 64 KiB (1009), more than 20 a second with 100 in reserve (4029), binary, bad JSON, an
unknown type or field (4400), no `auth` in time and an expired token (4401). A value that its field does not take is
answered with `error` `bad_frame`, and so is every frame but `auth` before the sign-in, with `not_allowed`.
"""

import math
from datetime import datetime

from msgspec import Struct

from kernel.scope import Principal
from mobile_contracts.frame import AnyClientFrame, Auth, Bye, Error, ErrorCode, Ping, Pong, Ready, ServerFrame
from realtime.wire import Broken, read

FRAME_BYTES = 64 * 1024
FRAMES_A_SECOND, FRAMES_AT_ONCE = 20.0, 100.0
AUTH_SECONDS = 5.0

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


Effect = Send | Close | Authenticate


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
        self._asked = False

    @property
    def deadline(self) -> float:
        """When `tick` has something to do at the latest; infinite when nothing is due."""
        return math.inf if self.closed or self._asked else self._ends

    def receive(self, message: str | bytes, now: float) -> list[Effect]:
        """One message of the client."""
        due = self.tick(now)
        if due or self.closed:
            return due
        if not self._rate.take(now):
            return self._close(TOO_FAST, f"more than {FRAMES_A_SECOND:.0f} frames a second")
        return self._read(message)

    def tick(self, now: float) -> list[Effect]:
        """The clock moved: closes what is over. While somebody is being authenticated nothing is."""
        if now < self.deadline:
            return []
        if self.principal is None:
            return self._close(SIGN_IN, f"no auth within {AUTH_SECONDS:.0f} s")
        return self._close(SIGN_IN, "the token expired", "token_expired")

    def authenticated(self, principal: Principal, expires: float, at: datetime, now: float) -> list[Effect]:
        """The token is good until `expires`; `at` is the time of day. A renewal must be by the same principal."""
        if self.principal is not None and self.principal.name != principal.name:
            return self.refused("not_allowed", "this socket belongs to another principal", now)
        self._asked = False
        if self.closed:
            return []
        self.principal, self._ends = principal, expires
        ready = Ready(principal.session_id, principal.name, at, conversations=[], resync=[])
        return self.tick(now) or [Send(ready)]

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
            self._ends = now + AUTH_SECONDS
        return [_error("unavailable", "the sign-in cannot be checked just now: try again"), *self.tick(now)]

    def revoked(self) -> list[Effect]:
        """The session behind the socket has ended."""
        return self._close(SIGN_IN, "the session has ended", "not_allowed")

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
            case Broken(why):
                return [_error("bad_frame", why)]
            case frame:
                return self._answer(frame)

    def _answer(self, frame: AnyClientFrame) -> list[Effect]:
        match frame:
            case Auth():
                self._asked = True
                return [Authenticate(frame.token, frame.device_id)]
            case _ if self.principal is None:
                return [_error("not_allowed", "the first frame is auth")]
            case Ping():
                return [Send(Pong(frame.n))]

    def _close(self, code: int, reason: str, error: ErrorCode | None = None) -> list[Effect]:
        if self.closed:
            return []
        self.closed = True
        short = reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")
        return [*([_error(error, reason)] if error else []), Close(code, short)]


def _error(code: ErrorCode, detail: str) -> Send:
    return Send(Error(code, detail))
