"""Bodies are read whole before their requests have a place: whoever sends slowly keeps nobody else waiting."""

import asyncio
from typing import Any

from litestar.types import Receive
from msgspec import Struct

from api.edge.headers import header
from kernel.errors import HexadError, InvalidInput, TooLarge, TooSlow
from kernel.settings import Settings
from kernel.telemetry import metrics

BODY_AT_MOST = 1 << 20
_READ_PAST = 16 * BODY_AT_MOST
"""So much of a body that nobody wants is read all the same: else the connection breaks before the refusal is read."""
_PART_SECONDS = 10.0
_HELD_AT_MOST = 64 << 20
_NONE = (b"", b"0")


class Body(Struct, frozen=True):
    """What came; `refusal` says what is wrong with it, and unless it is `whole` the connection cannot go on."""

    content: bytes = b""
    refusal: HexadError | None = None
    whole: bool = True


class _Reading:
    """One body on its way; `given_up` when it has to make room."""

    def __init__(self, address: str, limit: asyncio.Timeout, until: float) -> None:
        self.address, self.held, self.given_up = address, 0, False
        self._limit, self._until = limit, until

    def next_part(self) -> None:
        """From now on the next part is waited for, but not longer than for the whole body."""
        if not (self.given_up or self._limit.expired()):
            self._limit.reschedule(min(self._until, asyncio.get_running_loop().time() + _PART_SECONDS))

    def give_up(self) -> None:
        """Ends the wait for it at once."""
        self.given_up = True
        if not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())


class Bodies:
    """All bodies that are being read by this process; when there are too many, the oldest one makes room."""

    def __init__(self, settings: Settings) -> None:
        self._seconds, self._at_most = settings.body_seconds, settings.bodies
        self._per_address = settings.bodies_per_address
        self._all: dict[_Reading, None] = {}
        self._of: dict[str, dict[_Reading, None]] = {}
        self._held = 0

    async def read(self, scope: Any, receive: Receive, address: str, *, wanted: bool) -> Body:
        """The body, empty when there is none; one that is not wanted is thrown away as it comes."""
        told = header(scope, b"content-length")
        length = int(told) if told.isdigit() else 0
        refusal = TooLarge() if length > BODY_AT_MOST else None
        if _unasked(scope) and (refusal or not wanted):
            return Body(refusal=refusal, whole=False)
        if length > _READ_PAST:
            return Body(refusal=refusal, whole=False)
        until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(until) as limit:
                reading = _Reading(address, limit, until)
                self._enter(reading)
                try:
                    return await self._parts(reading, receive, keeps=wanted and refusal is None)
                finally:
                    self._leave(reading)
        except TimeoutError:
            metrics.BODIES_GIVEN_UP.inc()
            return Body(refusal=TooSlow(), whole=False)

    async def _parts(self, reading: _Reading, receive: Receive, *, keeps: bool) -> Body:
        parts, size, more = [], 0, True
        while more:
            reading.next_part()
            message: Any = await receive()
            if message["type"] == "http.disconnect":
                return Body(refusal=InvalidInput("the body broke off before its end", "请求体未传输完整"), whole=False)
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > _READ_PAST:
                return Body(refusal=TooLarge(), whole=False)
            if keeps and size <= BODY_AT_MOST:
                parts.append(part)
                self._hold(reading, len(part))
        return Body(refusal=TooLarge()) if size > BODY_AT_MOST else Body(b"".join(parts))

    def _enter(self, reading: _Reading) -> None:
        same = self._of.setdefault(reading.address, {})
        if len(same) >= self._per_address:
            self._make_room(next(iter(same)))
        if len(self._all) >= self._at_most:
            self._make_room(next(iter(self._all)))
        self._of.setdefault(reading.address, {})[reading] = self._all[reading] = None
        metrics.BODIES.set(len(self._all))

    def _hold(self, reading: _Reading, size: int) -> None:
        reading.held += size
        self._held += size
        while self._held > _HELD_AT_MOST and len(self._all) > 1:
            self._make_room(next(iter(self._all)))

    def _make_room(self, oldest: _Reading) -> None:
        oldest.give_up()
        self._leave(oldest)

    def _leave(self, reading: _Reading) -> None:
        if reading not in self._all:
            return
        del self._all[reading]
        self._held -= reading.held
        same = self._of[reading.address]
        del same[reading]
        if not same:
            del self._of[reading.address]
        metrics.BODIES.set(len(self._all))


def there(scope: Any) -> bool:
    """Whether the request has a body."""
    return any(
        (name == b"content-length" and value not in _NONE) or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body that was read, once more for the application."""
    given = False

    async def received() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received


def _unasked(scope: Any) -> bool:
    """Whether the client sends the body only when it is asked for it, which reading it does."""
    return header(scope, b"expect").lower() == "100-continue"
