"""One client on this node: carries out what its session decides, in order and in bounds."""

import asyncio
import contextlib
import math
import time
from asyncio import QueueFull, TimerHandle
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt

from kernel.errors import NotSignedIn, RateLimited, Unavailable
from kernel.metrics import CLOSES, FRAMES
from kernel.scope import Principal
from mobile_contracts.frame import ErrorCode, ServerFrame
from realtime import session, wire
from realtime.session import Authenticate, Close, Effect, Send, Session

FRAMES_WAITING = 256

Event = MutableMapping[str, Any]
Cut = Callable[[int, str], None]
"""Closes a socket without waiting for the peer, who may not be reading."""


class Owner(Protocol):
    """The hub, as far as a connection needs it."""

    async def sign_in(self, connection: "Connection", token: str, device_id: str) -> tuple[Principal, float]:
        """Principal and expiry (Unix seconds); raises `NotSignedIn`, `RateLimited` or `Unavailable`."""


class Connection:
    """Reads frame by frame, so that a client is answered in its order; writes from a line of at most 256 frames."""

    def __init__(self, owner: Owner, host: str, receive: Callable[[], Awaitable[Event]],
                 send: Callable[[Event], Awaitable[None]], cut: Cut) -> None:  # fmt: skip
        self.host = host
        self._owner, self._receive, self._send, self._cut = owner, receive, send, cut
        self._loop = asyncio.get_running_loop()
        self._session = Session(self._loop.time())
        self._line: asyncio.Queue[Send | Close] = asyncio.Queue(FRAMES_WAITING)
        self._timer: TimerHandle | None = None
        self._due = math.inf

    @property
    def principal(self) -> Principal | None:
        """Who signed in."""
        return self._session.principal

    async def run(self) -> None:
        """Serves the client until the socket is gone."""
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write())
                self._apply(())
                code = await self._read()
                writer.cancel()
        finally:
            self._session.closed = True
            self._set_timer(math.inf)
        CLOSES.labels(str(code) if code in session.CODES else "other").inc()

    def push(self, frame: ServerFrame) -> None:
        """Sends a frame after those that wait; a client for whom 256 wait already is cut (4008)."""
        if not self._session.closed:
            self._apply([Send(frame)])

    def revoke(self) -> None:
        """The session behind the socket has ended."""
        self._apply(self._session.revoked())

    def drain(self, retry_after: float) -> None:
        """The node stops: says `bye` with the seconds to wait before reconnecting, and closes."""
        self._apply(self._session.drain(retry_after))

    def cut(self) -> None:
        """The node stops now."""
        self._cut(session.GOING, "the node drains")

    async def _read(self) -> int:
        while (event := await self._receive())["type"] == "websocket.receive":
            FRAMES.labels("in", "any").inc()
            message = event.get("text")
            effects = self._session.receive(event["bytes"] if message is None else message, self._loop.time())
            self._apply(effects)
            for effect in effects:
                if isinstance(effect, Authenticate):
                    self._apply(await self._authenticate(effect))
        return int(event.get("code") or 0)

    async def _authenticate(self, wanted: Authenticate) -> list[Effect]:
        try:
            principal, expires = await self._owner.sign_in(self, wanted.token, wanted.device_id)
        except NotSignedIn as error:
            expired = isinstance(error.__cause__, jwt.ExpiredSignatureError)
            code: ErrorCode = "token_expired" if expired else "not_allowed"
            return self._session.refused(code, error.title, self._loop.time())
        except RateLimited:
            return self._session.refused(
                "rate_limited", "this principal has too many connections", self._loop.time(), session.TOO_FAST
            )
        except Unavailable:
            return self._session.unavailable(self._loop.time())
        at, now = datetime.now(UTC), self._loop.time()
        return self._session.authenticated(principal, now + expires - time.time(), at, now)

    def _apply(self, effects: Iterable[Effect]) -> None:
        try:
            for effect in effects:
                if not isinstance(effect, Authenticate):
                    self._line.put_nowait(effect)
        except QueueFull:
            self._session.closed = True
            self._cut(session.TOO_SLOW, "the client does not read")
        if self._session.deadline != self._due:
            self._set_timer(self._session.deadline)

    def _set_timer(self, due: float) -> None:
        self._due = due
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._tick) if due < math.inf else None

    def _tick(self) -> None:
        self._due = math.inf
        self._apply(self._session.tick(self._loop.time()))

    async def _write(self) -> None:
        with contextlib.suppress(OSError):  # the peer is gone, which the reader is about to hear
            while True:
                await self._send(_event(await self._line.get()))


def _event(effect: Send | Close) -> Event:
    if isinstance(effect, Close):
        return {"type": "websocket.close", "code": effect.code, "reason": effect.reason}
    FRAMES.labels("out", wire.kind(effect.frame)).inc()
    return {"type": "websocket.send", "text": wire.write(effect.frame)}
