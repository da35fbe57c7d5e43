"""One client on this node: carries out what its session decides, in order and in bounds."""

import asyncio
import math
import time
from asyncio import Future, TimerHandle
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from centers.service import conversation_rules
from centers.service.conversation_rules import Reader, Said, Stored
from identity.principal import LEEWAY_SECONDS
from kernel.errors import HexadError, NotSignedIn, RateLimited, SessionOver, TokenExpired, Unavailable
from kernel.process.apart import Apart
from kernel.security.scope import Principal
from kernel.telemetry.metrics import CLOSES, FRAMES
from mobile_contracts.frame import Asked, Changed, ConversationLine, ErrorCode, Receipt, SendMessage, ServerFrame
from mobile_contracts.messaging.template import Language
from realtime import session, wire
from realtime.session import Ask, Authenticate, Close, Effect, Send, Session
from realtime.view import View

FRAMES_WAITING = 256
PAGE = 50
"""Messages that are read at once for a client who missed some."""

_TRY_AGAIN = 1.0
_BEYOND = 2**53
"""A seq that no conversation has: whoever resumes there asks for history."""
_sent: Counter[type[ServerFrame]] = Counter()
_received: Counter[str] = Counter()
_CODES: Mapping[str, ErrorCode] = {
    "not_found": "not_found", "not_allowed": "not_allowed", "invalid_input": "bad_frame",
    "rate_limited": "rate_limited", "conversation_closed": "conversation_closed",
    "wrong_state": "not_allowed", "not_licensed": "not_allowed",
}  # fmt: skip

_NOT_GOOD: Mapping[type[NotSignedIn], ErrorCode] = {TokenExpired: "token_expired", SessionOver: "session_ended"}
"""What is said of a token that is not good; of any other that it is not the right one for this socket."""

Event = MutableMapping[str, Any]
Cut = Callable[[int, str], None]
"""Closes a socket without waiting for the peer, who may not be reading."""
Write = Callable[[bytes], bool]
"""Writes a text frame at once, or says that it cannot."""


class Arrival(Struct, frozen=True):
    """What somebody finds who signed in; `reader` is null for one who is nobody in the chat.

    `receipts` say what `ready` does not: what reached the other side and was not read there.
    """

    reader: Reader | None
    lines: list[ConversationLine]
    resync: list[UUID]
    receipts: list[Receipt] = []


class Owner(Protocol):
    """The hub, as far as a connection needs it; `failing` are conversations that cannot be caught up with."""

    failing: Apart

    @property
    def epoch(self) -> str:
        """Which life of the database this is: seqs of another one say nothing."""

    async def sign_in(self, connection: "Connection", token: str, device_id: str) -> tuple[Principal, float]:
        """Principal and expiry (Unix seconds); raises `NotSignedIn`, `RateLimited` or `Unavailable`."""

    async def arrive(self, connection: "Connection", principal: Principal, resume: Mapping[UUID, int]) -> Arrival:
        """Their conversations, which the connection follows from now on; raises `Unavailable`."""

    async def ask(self, connection: "Connection", frame: Asked) -> Sequence[ServerFrame]:
        """Does what the frame asks for and gives the answers; raises `HexadError`."""

    def send(self, connection: "Connection", frame: SendMessage) -> None:
        """Has a message stored, after which `stored` or `refused` is called; raises `NotAllowed` or `Unavailable`."""

    async def missed(self, conversation_id: UUID, since: int, size: int) -> list[Said]:
        """The first messages after a seq; raises `Unavailable`."""

    def head(self, conversation_id: UUID) -> int:
        """The newest seq that this node knows."""


class Waiting(Struct):
    """What waits to be sent; `written` for what is paced: it counts for nothing, and is waited for."""

    effect: Send | Close
    written: Future[None] | None = None


class Connection:
    """Reads frame by frame, so that a client is answered in its order; writes from a line of 256 live frames."""

    def __init__(
        self, owner: Owner, host: str, receive: Callable[[], Awaitable[Event]],
        send: Callable[[Event], Awaitable[None]], cut: Cut, write: Write = lambda text: False,
        language: Language = "zh",
    ) -> None:  # fmt: skip
        self.host, self.language = host, language
        self.found_at = -math.inf
        """When it was last begun to find out who is behind it, by the loop's clock."""
        self._write_now = write
        self.reader: Reader | None = None
        self.view = View()
        self._owner, self._receive, self._send, self._cut = owner, receive, send, cut
        self._loop = asyncio.get_running_loop()
        self._session = Session(self._loop.time())
        self._line: deque[Waiting] = deque()
        self._live, self._gone, self._busy = 0, False, False
        self._waits, self._behind, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._settled.set()
        self._unsettled = 0
        self._timer: TimerHandle | None = None
        self._due = math.inf

    @property
    def principal(self) -> Principal | None:
        """Who signed in."""
        return self._session.principal

    @property
    def serves(self) -> bool:
        """Whether an employee is behind it who may speak with customers."""
        who = self.principal
        return who is not None and who.audience == "staff" and SendMessage.staff in who.permissions

    def renewed(self, principal: Principal, reader: Reader | None) -> None:
        """What the same principal may do, or sees, has changed: the client is told to look when that shows."""
        before = self.reader, self.principal and self.principal.permissions.keys()
        self._session.renewed(principal)
        self.reader = reader
        if before != (reader, principal.permissions.keys()):
            self.push(Changed("conversations"))

    async def run(self) -> None:
        """Serves the client until the socket is gone."""
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._write()), group.create_task(self._catch_up())]
                self._apply(())
                code = await self._read()
                for task in beside:
                    task.cancel()
        finally:
            self._session.closed = True
            self._set_timer(math.inf)
        CLOSES.labels(str(code) if code in session.CODES else "other").inc()

    def push(self, frame: ServerFrame) -> None:
        """Sends a frame after those that wait; a client for whom 256 wait already is cut (4008)."""
        if not self._session.closed:
            self._apply([Send(frame)])

    def give(self, said: Said) -> None:
        """A new message of a conversation that the client follows: now, or after those before it that are missing."""
        if self.reader is not None:
            frame = self.view.live(said, own=self.reader.said(said))
            if frame is not None:
                self.push(frame)
        self.look()

    def stored(self, stored: Stored) -> None:
        """A message of this client has its place: `accepted` goes out, in that place."""
        self._settle()
        frame = conversation_rules.accepted(stored.said)
        if self.view.accepted(frame, new=stored.new):
            self.push(frame)
        self.look()

    def refused(self, frame: SendMessage, code: ErrorCode, why: str) -> None:
        """A message of this client is not stored, as far as anybody knows."""
        self._settle()
        if self.view.failed(frame.conversation_id, frame.client_id, doubtful=code == "unavailable"):
            self.push(session.refused(frame, code, why))
        self.look()

    def look(self) -> None:
        """Reads what is missing, if something is."""
        if self.view.behind:
            self._behind.set()

    def revoke(self) -> None:
        """The session behind the socket has ended."""
        self._apply(self._session.revoked())

    def drain(self, retry_after: float) -> None:
        """The node stops: says `bye` with the seconds to wait before reconnecting, and closes."""
        self._apply(self._session.drain(retry_after))

    def give_way(self) -> None:
        """Others of the address need the place, and nobody has signed in here."""
        self._cut(session.SIGN_IN, "no auth before others of this address needed the place")

    def cut(self) -> None:
        """The node stops now."""
        self._cut(session.GOING, "the node drains")

    async def pace(self, frames: Sequence[ServerFrame]) -> None:
        """Sends frames that are not counted, and waits until the last is written."""
        if frames and not (self._session.closed or self._gone):
            unwritten = [frame for frame in frames if not self._written(Send(frame))]
            if not unwritten:
                return
            written: Future[None] = self._loop.create_future()
            self._line.extend(Waiting(Send(frame), written) for frame in unwritten)
            self._waits.set()
            await written

    async def _read(self) -> int:
        while (event := await self._receive())["type"] == "websocket.receive":
            _received["any"] += 1
            message = event.get("text")
            effects = self._session.receive(event["bytes"] if message is None else message, self._loop.time())
            self._apply(effects)
            for effect in effects:
                if isinstance(effect, Authenticate):
                    self._apply(await self._authenticate(effect))
                    self.look()
                elif isinstance(effect, Ask):
                    if isinstance(effect.frame, SendMessage):
                        self._store(effect.frame)
                    else:
                        await self._answer(effect.frame)
        return int(event.get("code") or 0)

    async def _authenticate(self, wanted: Authenticate) -> list[Effect]:
        try:
            principal, expires = await self._owner.sign_in(self, wanted.token, wanted.device_id)
            found = Arrival(None, [], [])
            if not self._session.belongs_to_another(principal):
                known = wanted.epoch in (None, self._owner.epoch)
                resume = wanted.resume if known else dict.fromkeys(wanted.resume, _BEYOND)
                found = await self._owner.arrive(self, principal, resume)
                if not known:  # what is not there any more is told too: nothing would come of it, ever
                    found = msgspec.structs.replace(found, resync=list(wanted.resume))
        except NotSignedIn as error:
            code = _NOT_GOOD.get(type(error), "wrong_credentials")
            return self._session.refused(code, error.title, self._loop.time())
        except RateLimited:
            return self._session.refused(
                "rate_limited", "this principal has too many connections", self._loop.time(), session.TOO_FAST
            )
        except Unavailable:
            return self._session.unavailable(self._loop.time())
        at, now = datetime.now(UTC), self._loop.time()
        left = expires - time.time()
        until = now + (left if left > 0 else left + LEEWAY_SECONDS)  # it was good: our clock is ahead of its maker's
        effects = self._session.authenticated(principal, until, at, now, found.lines, found.resync, self._owner.epoch)
        return effects if self._session.closed else [*effects, *map(Send, found.receipts)]

    def _store(self, frame: SendMessage) -> None:
        """Hands a message over, and reads on: what comes meanwhile and is no message waits until it is stored."""
        self._unsettled += 1
        self._settled.clear()
        self.view.sends(frame.conversation_id, frame.client_id)
        try:
            self._owner.send(self, frame)
        except HexadError as error:
            self.refused(frame, _CODES.get(error.code, "unavailable"), error.detail or error.title)

    def _settle(self) -> None:
        self._unsettled -= 1
        if not self._unsettled:
            self._settled.set()

    async def _answer(self, frame: Asked) -> None:
        await self._settled.wait()
        try:
            await self.pace(await self._owner.ask(self, frame))
        except HexadError as error:
            self.push(session.refused(frame, _CODES.get(error.code, "unavailable"), error.detail or error.title))

    async def _catch_up(self) -> None:
        """Gives what is missing of the conversations that the client is behind in, one after the other."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            stuck = False
            for conversation_id in tuple(self.view.behind):
                done = False
                if self._owner.failing.is_due(str(conversation_id)):
                    with self._owner.failing.item(str(conversation_id)):
                        done = await self._caught_up(conversation_id)
                stuck |= not done
            if stuck:
                self._loop.call_later(_TRY_AGAIN, self.look)
            else:
                self.look()

    async def _caught_up(self, conversation_id: UUID) -> bool:
        """Whether everything was given; else PostgreSQL is away, or has not got so far."""
        while True:
            since = self.view.seq(conversation_id) or 0
            try:
                said = await self._owner.missed(conversation_id, since, PAGE)
            except Unavailable:
                return False
            reader = self.reader
            frames = [
                frame for one in said for frame in self.view.catch_up(one, own=reader is not None and reader.said(one))
            ]
            await self.pace(frames)
            if len(said) < PAGE and self.view.caught_up(conversation_id, self._owner.head(conversation_id)):
                return True
            if not frames:
                return False

    def _apply(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Authenticate | Ask):
                continue
            if self._live >= FRAMES_WAITING:
                self._session.closed = True
                self._cut(session.TOO_SLOW, "the client does not read")
                break
            if not self._written(effect):
                self._live += 1
                self._line.append(Waiting(effect))
                self._waits.set()
        if self._session.deadline != self._due:
            self._set_timer(self._session.deadline)

    def _written(self, effect: Send | Close) -> bool:
        """Whether a frame could be written at once, since nothing waits before it; most are."""
        if self._line or self._busy or isinstance(effect, Close):
            self._busy = True
            return False
        if not self._write_now(wire.encoded(effect.frame)):
            self._busy = True
            return False
        _sent[type(effect.frame)] += 1
        return True

    def _set_timer(self, due: float) -> None:
        self._due = due
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick) if due < math.inf else None

    def _tick(self) -> None:
        self._due = math.inf
        self._apply(self._session.tick(self._loop.time()))

    async def _write(self) -> None:
        try:
            while True:
                while self._line:
                    await self._write_one(self._line.popleft())
                self._busy = False
                self._waits.clear()
                await self._waits.wait()
        except OSError:  # the peer is gone, which the reader is about to hear
            self._gone = True
            for waiting in self._line:
                _done(waiting)

    async def _write_one(self, waiting: Waiting) -> None:
        self._live -= waiting.written is None
        try:
            await self._send(_event(waiting.effect))
        finally:
            if not (self._line and self._line[0].written is waiting.written):
                _done(waiting)


def _done(waiting: Waiting) -> None:
    if waiting.written is not None and not waiting.written.done():
        waiting.written.set_result(None)


def _event(effect: Send | Close) -> Event:
    if isinstance(effect, Close):
        return {"type": "websocket.close", "code": effect.code, "reason": effect.reason}
    _sent[type(effect.frame)] += 1
    return {"type": "websocket.send", "text": wire.write(effect.frame)}


def count_frames() -> None:
    """Adds the frames since the last time to the metrics: counting each there would cost more than sending it does."""
    for kind, times in _sent.items():
        FRAMES.labels("out", str(kind.__struct_config__.tag)).inc(times)
    FRAMES.labels("in", "any").inc(_received["any"])
    _sent.clear()
    _received.clear()
