"""Publishing in one piece: the frames of many messages are written at once, and their confirms awaited together.

aiormq publishes one message at a time, with three frames marshalled, a lock, a timer and a task for each. Here only the
bookkeeping of its channel is used.
"""

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

import pamqp.frame
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from msgspec import Struct
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from kernel.queues.client import Message

_BODY_AT_MOST = 100_000
"""Bytes of one frame; the broker takes 128 KiB."""

_SIZE_AT = slice(11, 19)
"""Where a header frame has the size of the body: after type, channel, length, class and weight."""

_END = b"\xce"


class Way(Struct, frozen=True):
    """Where messages go: exchange and routing key, and as which user, where the broker is to vouch for that."""

    exchange: str
    key: str
    user: str | None = None


async def publish(channel: Channel, way: Way, messages: Sequence[Message], seconds: float) -> None:
    """Returns when the broker has confirmed all of them; raises what aiormq raises for one, or `TimeoutError`."""
    async with asyncio.timeout(seconds):
        async with channel.lock:
            confirms, payload = _registered(channel, messages), _payload(channel.number, way, messages)
            await channel.write_queue.put(ChannelFrame(payload, should_close=False))
        await asyncio.gather(*confirms)


def _registered(channel: Channel, messages: Sequence[Message]) -> list[asyncio.Future[Any]]:
    """A future for each message, where the channel looks when the broker confirms or returns it."""
    confirms = []
    for message in messages:
        channel.delivery_tag += 1
        confirm = channel.create_future()
        channel.confirmations[channel.delivery_tag] = confirm
        if message.id:
            channel.message_id_delivery_tag[message.id] = channel.delivery_tag
            confirm.add_done_callback(_Forget(channel, message.id, channel.delivery_tag))
        confirms.append(confirm)
    return confirms


class _Forget:
    """Forgets which message a confirmed tag belonged to."""

    __slots__ = ("_channel", "_id", "_tag")

    def __init__(self, channel: Channel, message_id: str, tag: int) -> None:
        self._channel, self._id, self._tag = channel, message_id, tag

    def __call__(self, _: object) -> None:
        if self._channel.message_id_delivery_tag.get(self._id) == self._tag:
            del self._channel.message_id_delivery_tag[self._id]


def _payload(number: int, way: Way, messages: Sequence[Message]) -> bytes:
    """Method, header and body frames of every message; headers alike are marshalled once."""
    method = pamqp.frame.marshal(Basic.Publish(exchange=way.exchange, routing_key=way.key, mandatory=True), number)
    pieces: list[bytes] = []
    made: dict[tuple[int, str], tuple[bytes, bytes]] = {}
    for message in messages:
        kind = (len(message.id), str(message.headers) if message.headers else "")
        if kind not in made:
            made[kind] = _header(number, message, way.user)
        before, after = made[kind]
        size = len(message.body).to_bytes(8, "big")
        pieces += (
            method,
            before,
            size,
            after.replace(b"?" * len(message.id), message.id.encode()) if message.id else after,
        )
        for start in range(0, len(message.body), _BODY_AT_MOST):
            part = message.body[start : start + _BODY_AT_MOST]
            pieces += (struct.pack(">BHI", 3, number, len(part)), part, _END)
    return b"".join(pieces)


def _header(number: int, message: Message, user: str | None) -> tuple[bytes, bytes]:
    """A header frame before and after the size of the body, with question marks for the id."""
    name = "?" * len(message.id) or None
    properties = Basic.Properties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        headers=dict(message.headers),
        correlation_id=name,
        message_id=name,
        user_id=user,
    )
    frame = pamqp.frame.marshal(ContentHeader(properties=properties), number)
    return frame[: _SIZE_AT.start], frame[_SIZE_AT.stop :]
