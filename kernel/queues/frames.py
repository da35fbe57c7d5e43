"""Takes deliveries straight out of what RabbitMQ sends, many at once; everything else goes on to aiormq.

aiormq reads frame by frame and begins a task for each message, which costs more than all that is done with an SMS.
The forms are those of AMQP 0-9-1, sections 2.3.5 (frames) and 4.2.6 (content).
"""

import asyncio
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsIndex

from aiormq.connection import TransportFactory
from msgspec import Struct
from pamqp import decode
from yarl import URL

_HEAD = struct.Struct(">BHI")
"""Kind, channel and size of a frame."""

_METHOD, _HEADER, _BODY = 1, 2, 3
_DELIVER = b"\x00\x3c\x00\x3c"
_END = 0xCE
_HEARTBEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
_TABLE, _USER = 1 << 13, 1 << 4
"""Flags of the properties that we read: the table of headers, and the user who published it."""

_SIZES = {1 << 12: 1, 1 << 11: 1, 1 << 6: 8}
"""Bytes of delivery mode, priority and timestamp; what else stands before the user is a short text, with its length."""

_BEFORE = tuple(1 << bit for bit in range(15, 4, -1))
"""Flags of the properties before the user, in the order in which they come."""


class Taken(Struct, frozen=True):
    """A message as it came: the channel's tag, headers, body, and the user whom the broker vouches for."""

    tag: int
    headers: dict[str, Any]
    body: bytes
    user: str = ""


class Taker:
    """A channel whose deliveries are taken, and the message that is under way there."""

    __slots__ = ("body", "give", "headers", "missing", "tag", "user")

    def __init__(self, give: Callable[[Taken], None]) -> None:
        self.give = give
        self.tag: int | None = None
        self.headers: dict[str, Any] = {}
        self.user, self.missing, self.body = "", 0, b""

    def takes(self, kind: int, payload: bytes) -> bool:
        """Whether the frame is part of a delivery; gives the message with its last one."""
        if kind == _METHOD:
            if payload[:4] != _DELIVER:
                return False
            after = 5 + payload[4]  # behind the consumer's tag
            self.tag = int.from_bytes(payload[after : after + 8], "big")
            return True
        if self.tag is None:
            return False
        if kind == _HEADER:
            self.missing, self.body = int.from_bytes(payload[4:12], "big"), b""
            self.headers, self.user = _properties(payload)
        elif kind == _BODY:
            self.missing -= len(payload)
            self.body += payload
        if self.missing <= 0:
            taken, self.tag = Taken(self.tag, self.headers, self.body, self.user), None
            self.give(taken)
        return True


class Reader(asyncio.StreamReader):
    """The stream that aiormq reads, without what is delivered on the channels that somebody takes."""

    def __init__(self, takers: Mapping[int, Taker]) -> None:
        """`takers` by the numbers of their channels; more may come."""
        super().__init__()
        self._takers = takers
        self._rest = b""
        self._readable = True
        self._beat = 0.0

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """What came over the wire, in pieces of any size."""
        if not self._readable:
            super().feed_data(data)
            return
        sent, at, kept, others = self._rest + bytes(data), 0, 0, []
        while len(sent) - at > _HEAD.size:
            kind, channel, size = _HEAD.unpack_from(sent, at)
            end = at + _HEAD.size + size
            if end >= len(sent):
                break
            if sent[end] != _END:
                self._readable, at = False, len(sent)  # no frame: aiormq says what is wrong
                break
            one = self._takers.get(channel)
            if one is not None and one.takes(kind, sent[at + _HEAD.size : end]):
                others.append(sent[kept:at])
                kept = end + 1
            at = end + 1
        others.append(sent[kept:at])
        self._rest = sent[at:]
        self._pass_on(b"".join(others), taken=kept > 0)

    def _pass_on(self, others: bytes, *, taken: bool) -> None:
        """An hour of deliveries alone is no silence: aiormq is told once a second that the broker lives."""
        if taken and not others and time.monotonic() - self._beat > 1:
            others, self._beat = _HEARTBEAT, time.monotonic()
        if others:
            super().feed_data(others)

    def feed_eof(self) -> None:
        """The end of it, half a frame included."""
        if self._rest:
            super().feed_data(self._rest)
            self._rest = b""
        super().feed_eof()


class Transport(TransportFactory):
    """Connects for aiormq, once, with a reader of our own."""

    def __init__(self) -> None:
        self._takers: dict[int, Taker] = {}

    def take(self, channel: int, give: Callable[[Taken], None]) -> None:
        """From now on gives what is delivered on this channel."""
        self._takers[channel] = Taker(give)

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises `OSError` when nobody answers."""
        context = kwargs.pop("ssl_context_provider")
        tls = await context.get_context() if url.scheme == "amqps" else None
        reader = Reader(self._takers)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: protocol, url.host or "", url.port or 0, ssl=tls, **kwargs)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _properties(payload: bytes) -> tuple[dict[str, Any], str]:
    """The table of headers in the properties of a message, and the user who published it; empty where there is none."""
    flags, at = int.from_bytes(payload[12:14], "big"), 14
    headers: dict[str, Any] = {}
    for flag in _BEFORE if flags & _USER else _BEFORE[:3]:
        if not flags & flag:
            continue
        if flag == _TABLE:
            size = 4 + int.from_bytes(payload[at : at + 4], "big")
            headers = _headers(payload[at : at + size]) if size > 4 else {}
        else:
            size = _SIZES.get(flag) or 1 + payload[at]
        at += size
    return headers, payload[at + 1 : at + 1 + payload[at]].decode(errors="replace") if flags & _USER else ""


def _headers(table: bytes) -> dict[str, Any]:
    """The headers that are plain values; whoever publishes may write some that nobody reads, or could write again."""
    try:
        found = decode.field_table(table)[1]
    except (ValueError, ArithmeticError, LookupError, TypeError, struct.error, RecursionError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str | int | float | None)}
