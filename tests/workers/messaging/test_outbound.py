"""The loops bring a broadcast to its last receipt, on both brokers, and no forged message stops them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiormq
import msgspec
import pytest
from pamqp import commands as spec

from kernel.queues import INBOUND, RECEIPTS, Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.messaging.outbound import Inbound, Receipt
from mobile_contracts.messaging.template import Channel
from notifications.broadcast import broadcast
from notifications.receipt import receipt
from tests.brokers import broker, rabbitmq_user
from tests.notifications.conftest import Street
from tests.notifications.house import House
from workers.messaging.outbound import Sender, Taker, Tidier

__all__ = ["broker"]


@pytest.fixture
async def street(broker: Settings) -> AsyncIterator[Street]:
    """Open at all hours, with one gateway that is believed."""
    settings = msgspec.structs.replace(broker, service_hours="00:00-24:00", gateways="g")
    database = await Database.open(settings.database_url, settings)
    async with open_queues(settings) as queues:
        yield Street(database, queues, settings)
    await database.close()


async def until_idle(sender: Sender) -> None:
    """Turns until there is nothing left to do."""
    while await sender.turn() == 0.0:
        pass


async def answer(street: Street, status: str = "delivered") -> int:
    """A gateway takes all there is and answers each, twice."""
    messages = await street.taken()
    for one in messages:
        given = Receipt(
            id=one.id, gateway="g", gateway_id="1", status=status, code="", at=datetime.now(UTC)  # type: ignore[arg-type]
        )  # fmt: skip
        await street.queues.publish(RECEIPTS, [Message(msgspec.json.encode(given))] * 2)
    return len(messages)


async def test_a_broadcast_comes_to_its_last_receipt(street: Street) -> None:
    async with street.house() as house:
        people = [await house.customer() for _ in range(6)]
        nowhere = await house.customer(mobile=None)
        channels: tuple[Channel, ...] = ("sms", "in_app")
        sent = await house.started(customers=[*people, nowhere], channels=channels)
    sender, taker = (
        Sender(street.database, street.queues, street.settings),
        Taker(street.database, street.queues, street.settings),
    )
    await until_idle(sender)
    assert await street.states(sent) == {"sent": 6, "delivered": 1}
    assert await answer(street) == 6
    await taker.receipts()
    await taker.receipts()
    assert await street.states(sent) == {"delivered": 7}
    await Tidier(street.database, street.settings).turn()
    progress = await street.within(lambda house: broadcast.progress(house.tx, sent, house.settings))
    assert (progress.broadcast.state, progress.done, progress.total) == ("done", 7, 7)


async def test_a_paused_broadcast_goes_on_where_it_stood(street: Street) -> None:
    sent, sender = await street.queued(3), Sender(street.database, street.queues, street.settings)
    await street.within(lambda house: broadcast.change(house.tx, sent, "pause"))
    await until_idle(sender)
    assert await street.states(sent) == {"queued": 3}
    await street.within(lambda house: broadcast.change(house.tx, sent, "resume"))
    await until_idle(sender)
    assert await street.states(sent) == {"sent": 3}
    await street.taken()


@pytest.mark.parametrize("queue", [RECEIPTS, INBOUND])
async def test_poison_goes_among_the_dead_without_a_number_and_stops_nobody(street: Street, queue: Queue) -> None:
    bodies = [
        b'{"schema": "hexad.receipt/9"}', b"[]", b'{"from": "+8613800138000", "text": "my number is 13800138000"}',
        b"5", b"[" * 900 + b"]" * 900,
    ]  # fmt: skip
    now = datetime.now(UTC)
    sound: Receipt | Inbound = (
        Receipt(id=uuid4(), gateway="g", gateway_id="1", status="delivered", code="", at=now)
        if queue == RECEIPTS
        else Inbound(gateway="g", gateway_id="1", from_number=House.number(1), to="1069", text="T", at=now)
    )  # fmt: skip
    await street.queues.publish(queue, [*[Message(body) for body in bodies], Message(msgspec.json.encode(sound))])
    taker = Taker(street.database, street.queues, street.settings)
    for _ in range(2):
        await (taker.receipts() if queue == RECEIPTS else taker.replies())
    table = "receipt" if queue == RECEIPTS else "inbound"
    assert await street.within(lambda house: house.tx.fetchval(f"select count(*) from {table}")) == 1
    dead = await street.queues.take(queue.dead, 10, lease=30, wait=2)
    assert len(dead) == len(bodies)
    assert not [one for one in dead if b"13800138000" in one.body]
    await street.queues.acknowledge(dead)


@pytest.mark.parametrize("broker", ["rabbitmq"], indirect=True)
async def test_the_broker_vouches_for_whoever_says_it(street: Street) -> None:
    sent, name = await street.queued(3), f"gw-{secrets.token_hex(4)}"
    await street.send(sent)
    settings = msgspec.structs.replace(street.settings, gateways=f"g,{name}")
    messages = await street.taken()
    said = [
        Receipt(id=one.id, gateway=gateway, gateway_id="1", status="delivered", code="", at=datetime.now(UTC))
        for one, gateway in zip(messages, (name, "g", name), strict=True)
    ]
    reply = Inbound(
        gateway=name, gateway_id="1", from_number=House.number(1), to="1069", text="T", at=datetime.now(UTC)
    )
    exchange = street.settings.queue_prefix + "hexad.gateway"
    await street.queues.declare([RECEIPTS, INBOUND])
    with rabbitmq_user(name, street.settings) as url:
        async with await aiormq.connect(url) as connection:
            channel = await connection.channel()
            for one, user in zip((*said, reply), (name, name, None, name), strict=True):
                key = INBOUND.name if one is reply else RECEIPTS.name
                properties = spec.Basic.Properties(user_id=user)
                await channel.basic_publish(
                    msgspec.json.encode(one), exchange=exchange, routing_key=key, properties=properties
                )
    taker = Taker(street.database, street.queues, settings)
    for _ in range(3):
        await taker.receipts()
    await taker.replies()
    assert await street.states(sent) == {"delivered": 1, "sent": 2}
    kept = await street.within(lambda house: house.tx.fetch("select gateway = 'g', problem from receipt"))
    assert {tuple(row) for row in kept} == {(False, None), (True, "other_gateway"), (False, "other_gateway")}
    assert await street.within(lambda house: house.tx.fetchval("select meaning from inbound")) == "opt_out"


async def _sent_as_it_is(street: Street, body: bytes) -> None:
    """As a gateway publishes it, not as we do; PGMQ, a table of jsonb, has no such text: it is whole already."""
    if not street.settings.broker_url:
        await street.queues.publish(INBOUND, [Message(body.replace(rb"\ud83d", rb"\ufffd"))])
        return
    await street.queues.size(INBOUND)  # it is there from now on
    async with await aiormq.connect(street.settings.broker_url) as connection:
        channel = await connection.channel()
        await channel.basic_publish(body, routing_key=street.settings.queue_prefix + INBOUND.name)


async def test_half_a_character_is_no_reason_to_lose_a_reply(street: Street) -> None:
    at = datetime.now(UTC)
    reply = Inbound(gateway="g", gateway_id="1", from_number=House.number(1), to="1069", text="T ??", at=at)
    body = msgspec.json.encode(reply).replace(b"??", rb"\ud83d")
    await _sent_as_it_is(street, body)
    taker = Taker(street.database, street.queues, street.settings)
    await taker.replies()
    assert await street.within(lambda house: house.tx.fetchval("select count(*) from inbound")) == 1


async def test_what_breaks_its_batch_is_buried_after_a_few_tries_and_the_others_are_taken(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    taker = Taker(street.database, street.queues, street.settings)
    apply = taker._apply_replies

    async def picky(tx: object, items: list[tuple[object, Inbound]]) -> None:
        if any(item.text == "poison" for _, item in items):
            raise ValueError
        await apply(tx, items)  # type: ignore[arg-type]

    monkeypatch.setattr(taker, "_apply_replies", picky)
    monkeypatch.setattr("workers.messaging.outbound._LEASE", 1.0)
    texts = ["T", "poison", "谢谢"]
    replies = [
        Inbound(gateway="g", gateway_id=str(n), from_number=House.number(n), to="1069", text=text, at=datetime.now(UTC))
        for n, text in enumerate(texts)
    ]
    await street.queues.publish(INBOUND, [Message(msgspec.json.encode(one)) for one in replies])
    async with asyncio.timeout(30):
        while not await street.queues.size(INBOUND.dead):
            await taker.replies()
    assert "a reply by g: ValueError" in str(taker.failing["replies"].problem())
    kept = await street.within(lambda house: house.tx.fetch("select gateway_id from inbound order by 1"))
    assert [row[0] for row in kept] == ["0", "2"]
    await street.queues.acknowledge(await street.queues.take(INBOUND.dead, 10, lease=30, wait=2))


async def test_what_came_before_its_gateway_was_named_and_cannot_be_taken_keeps_no_other(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await street.queued(3)
    await street.send(sent)
    messages, now = await street.taken(), datetime.now(UTC)
    said = [
        Receipt(id=one.id, gateway="late-1", gateway_id="1", status="delivered", code="", at=now) for one in messages
    ]
    await street.queues.publish(RECEIPTS, [Message(msgspec.json.encode(one)) for one in said])
    await Taker(street.database, street.queues, street.settings).receipts()
    apply = receipt.apply

    async def picky(tx: Tx, items: Sequence[receipt.Kept], *given: Any) -> list[receipt.Outcome]:
        if any(one.id == messages[1].id for one in items):
            raise ValueError("not this one")
        return await apply(tx, items, *given)

    monkeypatch.setattr(receipt, "apply", picky)
    named = Taker(street.database, street.queues, msgspec.structs.replace(street.settings, gateways="g,late-1"))
    assert [await named.named() for _ in range(2)] == [0.0, 30.0], "what fails is not taken again at once"
    assert await street.states(sent) == {"delivered": 2, "sent": 1}
    assert named.failing["named receipts"].problem() == f"{messages[1].id}: ValueError: not this one"


async def test_what_came_before_its_gateway_was_named_is_taken_by_a_relay_that_knows_it(street: Street) -> None:
    sent = await street.queued(1)
    await street.send(sent)
    (message,), now = await street.taken(), datetime.now(UTC)
    said = Receipt(id=message.id, gateway="late-1", gateway_id="1", status="delivered", code="", at=now)
    reply = Inbound(gateway="late-1", gateway_id="1", from_number=message.to, to="1069", text="TD", at=now)
    await street.queues.publish(RECEIPTS, [Message(msgspec.json.encode(said))])
    await street.queues.publish(INBOUND, [Message(msgspec.json.encode(reply))])
    before = Taker(street.database, street.queues, street.settings)
    for step in (before.receipts, before.replies, before.named):
        await step()
    assert await street.states(sent) == {"sent": 1}
    named = Taker(street.database, street.queues, msgspec.structs.replace(street.settings, gateways="g,late-1"))
    assert (await named.named(), await named.named()) == (0.0, 30.0)
    assert await street.states(sent) == {"delivered": 1}
    told = await street.within(lambda house: house.tx.fetch("select purpose, allowed, source from consent"))
    assert [tuple(row) for row in told] == [("marketing", False, "reply")]
