"""Deliveries are taken out of the stream however it is cut; aiormq sees all the rest, and nothing else."""

import asyncio
import functools
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import aiormq
import pamqp.encode
import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from kernel.queues import RECEIPTS
from kernel.queues.broker import open_queues
from kernel.queues.client import Delivery, Message
from kernel.queues.frames import Reader, Taken, Taker
from kernel.settings import Settings
from tests.brokers import on_rabbitmq

OURS, OTHER = 2, 1
HEADERS: st.SearchStrategy[Any] = st.none() | st.just({}) | st.dictionaries(
    st.text("abcdefgh-", min_size=1, max_size=12), st.text(max_size=20) | st.integers(-5, 1 << 40) | st.booleans()
)  # fmt: skip


OTHERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional={
    "content_type": st.just("application/json"), "content_encoding": st.just("utf-8"), "delivery_mode": st.just(2),
    "priority": st.integers(0, 255), "correlation_id": st.text(max_size=9), "reply_to": st.text(max_size=9),
    "expiration": st.just("60000"), "message_id": st.text(max_size=9), "message_type": st.text(max_size=9),
    "timestamp": st.just(datetime(2026, 11, 28, tzinfo=UTC)), "app_id": st.text(max_size=9),
    "user_id": st.text("abc-ü", max_size=9),
})  # fmt: skip


def content(channel: int, method: Any, headers: Any, body: bytes, part: int, others: Any = None) -> bytes:
    """Method, header and bodies of at most `part` bytes."""
    properties = Basic.Properties(headers=headers, **(others or {}))
    head = ContentHeader(body_size=len(body), properties=properties)
    parts = [ContentBody(body[start : start + part]) for start in range(0, len(body), part)]
    return b"".join(pamqp.frame.marshal(one, channel) for one in (method, head, *parts))


def delivery(tag: int) -> Basic.Deliver:
    """The method that begins a delivery."""
    return Basic.Deliver(consumer_tag="ctag1.x", delivery_tag=tag, redelivered=False, exchange="", routing_key="q")


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[Taken], bytes]:
    """What a broker may send, the deliveries of our channel in it, and what is left without them."""
    sent, taken, left = b"", [], b""
    for tag, kind in enumerate(draw(st.lists(st.sampled_from(["ours", "other", "ack", "beat", "return"]))), 1):
        body, headers, part = draw(st.binary(max_size=60)), draw(HEADERS), draw(st.integers(1, 40))
        if kind == "ours":
            others = draw(OTHERS)
            sent += content(OURS, delivery(tag), headers, body, part, others)
            taken.append(Taken(tag, headers or {}, body, others.get("user_id", "")))
            continue
        frame = {
            "other": content(OTHER, delivery(tag), headers, body, part),
            "ack": pamqp.frame.marshal(Basic.Ack(tag, multiple=True), OURS),
            "beat": pamqp.frame.marshal(Heartbeat(), 0),
            "return": content(OURS, Basic.Return(312, "NO_ROUTE", "", "x"), headers, body, part),
        }[kind]
        sent, left = sent + frame, left + frame
    return sent, taken, left


def read(data: bytes, cuts: list[int]) -> tuple[list[Taken], bytes]:
    """What is taken and what aiormq sees of a stream that is cut at these places."""

    async def run() -> tuple[list[Taken], bytes]:
        taken: list[Taken] = []
        reader = Reader({OURS: Taker(taken.append)})
        edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        for start, end in itertools.pairwise(edges):
            reader.feed_data(data[start:end])
        reader.feed_eof()
        return taken, await reader.read()

    return asyncio.run(run())


@given(streams(), st.lists(st.integers(0, 1 << 20), max_size=12))
def test_however_the_stream_is_cut(stream: tuple[bytes, list[Taken], bytes], cuts: list[int]) -> None:
    sent, expected, left = stream
    taken, seen = read(sent, cuts)
    assert taken == expected
    beat = pamqp.frame.marshal(Heartbeat(), 0)
    assert seen.replace(beat, b"") == left.replace(beat, b"")
    assert seen.count(beat) <= left.count(beat) + 1, "silence is broken once a second"


def test_what_is_no_frame_is_for_aiormq_to_say() -> None:
    good, bad = content(OURS, delivery(1), {}, b"{}", 9), bytearray(pamqp.frame.marshal(Channel.CloseOk(), OTHER))
    bad[-1] = 0
    taken, seen = read(good + bytes(bad) + good, [])
    assert [one.tag for one in taken] == [1]
    assert seen == bytes(bad) + good


ODD = {
    "a time that no calendar has": b"\x01tT" + (1 << 63).to_bytes(8, "big"),
    "a name in no language": b"\x02\xff\xfet\x01",
    "bottomless": functools.reduce(
        lambda inner, _: b"\x01aF" + len(inner).to_bytes(4, "big") + inner, range(3000), b""
    ),
    "a text in no language": b"\x01vS\x00\x00\x00\x02\xff\xfe",
    "bytes": b"\x01vx\x00\x00\x00\x02\xff\xfe",
    "a list": b"\x01vA\x00\x00\x00\x02I\x00",
    "no type": b"\x01v?",
    "cut off": b"\x09v",
}
"""Tables of headers as whoever publishes may write them."""


def with_headers(table: bytes, part: bytes) -> bytes:
    """A delivery by the user `u` with this table of headers."""
    properties = (0x2010).to_bytes(2, "big") + len(table).to_bytes(4, "big") + table + b"\x01u"
    head = (60).to_bytes(2, "big") + bytes(2) + len(part).to_bytes(8, "big") + properties
    frames = [(1, pamqp.frame.marshal(delivery(1), OURS)[7:-1]), (2, head), (3, part)]
    return b"".join(
        bytes([kind]) + OURS.to_bytes(2, "big") + len(one).to_bytes(4, "big") + one + b"\xce" for kind, one in frames
    )


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_headers_that_nobody_reads_keep_nothing_else_back(odd: bytes) -> None:
    good = content(OURS, delivery(2), {"a": 1}, b"[]", 9)
    taken, _ = read(with_headers(odd, b"{}") + good, [])
    assert taken == [Taken(1, {}, b"{}", "u"), Taken(2, {"a": 1}, b"[]")]


@pytest.fixture
def rabbit(own_settings: Settings) -> Iterator[Settings]:
    """Settings with RabbitMQ as broker."""
    yield from on_rabbitmq(own_settings)


async def test_large_bodies_headers_and_deliveries_that_come_again(rabbit: Settings) -> None:
    large = b'"' + b"x" * 700_000 + b'"'
    async with open_queues(rabbit, prefetch=3) as queues:
        await queues.publish(
            RECEIPTS, [Message(large), Message(b"{}", {"a": 1, "b": "c"}), Message(b"[]"), Message(b"0")]
        )
        first = await queues.take(RECEIPTS, 1, lease=30, wait=5)
        assert [len(one.body) for one in first] == [len(large)]
        await queues.acknowledge(first)
        held = dict[bytes, Delivery]()
        while not held.keys() >= {b"{}", b"[]"}:  # not all that was published together comes together
            held |= {one.body: one for one in await queues.take(RECEIPTS, 3, lease=0.1, wait=5)}
        assert dict(held[b"{}"].headers) == {"a": 1, "b": "c"}
        again = list[Delivery]()
        while len(again) < 3:
            again += await queues.take(RECEIPTS, 3, lease=30, wait=5)
        assert sorted(one.body for one in again) == [b"0", b"[]", b"{}"]
        assert all(one.attempts >= 1 + (one.body != b"0") for one in again)
        await queues.acknowledge(again)
        assert await queues.size(RECEIPTS) == 0


@pytest.mark.parametrize("odd", ["a time that no calendar has", "a name in no language", "a text in no language"])
async def test_a_gateway_with_odd_headers_stops_no_other(rabbit: Settings, odd: str) -> None:
    async with open_queues(rabbit) as queues:
        await queues.publish(RECEIPTS, [])
        connection = await aiormq.connect(rabbit.broker_url)
        channel = await connection.channel()
        with patch.dict(pamqp.encode.METHODS, {"table": lambda _: len(ODD[odd]).to_bytes(4, "big") + ODD[odd]}):
            await channel.basic_publish(
                b'"odd"', routing_key=rabbit.queue_prefix + RECEIPTS.name,
                properties=Basic.Properties(headers={"any": 1}),
            )  # fmt: skip
        await connection.close()
        await queues.publish(RECEIPTS, [Message(b'"good"')])
        taken = [one for _ in range(2) for one in await queues.take(RECEIPTS, 1, lease=30, wait=5)]
        assert [one.body for one in taken] == [b'"odd"', b'"good"']
        await queues.refuse(taken[:1], "why")
        (dead,) = await queues.take(RECEIPTS.dead, 1, lease=30, wait=5)
        assert dict(dead.headers) == {"x-hexad-reason": "why"}
        await queues.acknowledge([*taken[1:], dead])
