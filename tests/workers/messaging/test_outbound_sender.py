"""An error of one message is its ending, an error of one broadcast stays its own, and none hides those that wait."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.process.apart import Apart
from kernel.queues.broker import open_queues
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import metrics
from notifications.broadcast import broadcast, dispatch
from notifications.broadcast.dispatch import Dispatch
from notifications.template.words import Words
from tests.brokers import broker
from tests.notifications.conftest import Street
from tests.notifications.house import House
from workers.messaging.outbound import Sender

__all__ = ["broker"]
ODD = ["13800138000", "无", "a@b.cn;c@d.cn", "x@例子.公司", "ok@c_d.cn", "a@b..com", "x;y@c.cn"]


@pytest.fixture
async def street(broker: Settings) -> AsyncIterator[Street]:
    """Open at all hours."""
    settings = msgspec.structs.replace(broker, service_hours="00:00-24:00")
    database = await Database.open(settings.database_url, settings)
    async with open_queues(settings) as queues:
        yield Street(database, queues, settings)
    await database.close()


async def work(street: Street, turns: int = 30, broadcasts: Apart | None = None) -> Sender:
    """The loop of the relay, for some turns."""
    sender = Sender(street.database, street.queues, street.settings, broadcasts)
    for _ in range(turns):
        if await sender.turn():
            break
    return sender


async def reasons(street: Street, sent: UUID) -> dict[str, int]:
    """Messages by the reason of their ending."""
    return await street.within(lambda house: house.reasons(sent))


async def spoil(street: Street, column: str, customer: int) -> None:
    """One bit of what is sealed is wrong."""
    await street.execute(
        f"update customer set {column} = set_bit({column}, 200, 1 - get_bit({column}, 200)) where id = $1", customer
    )


async def test_one_number_that_cannot_be_read_is_one_message_that_failed(street: Street) -> None:
    async with street.house() as house:
        people = [await house.customer() for _ in range(5)]
        spoilt = await house.started(customers=people)
        later = await house.started(customers=people[:2], template="announcement")
    await spoil(street, "mobile", people[2])
    await work(street)
    assert await street.states(spoilt) == {"sent": 4, "failed": 1}
    assert await reasons(street, spoilt) == {"unreadable": 1}
    assert await street.states(later) == {"sent": 2}
    assert b'hexad_unsendable_messages_total{channel="sms",reason="unreadable"}' in metrics.render()[0]


async def test_content_of_ours_that_cannot_be_read_is_one_message_that_failed(street: Street) -> None:
    sent = await street.queued(3)
    await street.execute("update outgoing set state = 'unknown', attempt = 1, at = now() - interval '1 hour',"
                         " content = 'spoilt' where customer_id = (select min(customer_id) from outgoing)")  # fmt: skip
    await work(street)
    assert await street.states(sent) == {"sent": 2, "failed": 1}
    assert await reasons(street, sent) == {"unreadable": 1}


async def test_whom_no_letter_can_be_sent_to_is_tried_by_the_next_channel(street: Street) -> None:
    async with street.house() as house:
        odd = [await house.customer(email=email) for email in ODD]
        good = [await house.customer(email="ok@c-d.cn"), await house.customer(email="o'k+x@sub.c-d.cn")]
        mail = await house.started(customers=[*odd, *good], channels=("email",))
        either = await house.started(customers=[*odd, *good], channels=("email", "sms"), template="announcement")
    await work(street)
    assert await street.states(mail) == {"skipped": len(odd), "sent": len(good)}
    assert await reasons(street, mail) == {"bad_address": len(odd)}
    assert await street.states(either) == {"sent": len(odd) + len(good)}
    assert len(await street.taken()) == len(odd)


async def test_an_address_that_went_bad_after_the_decision_is_skipped_too(street: Street) -> None:
    async with street.house() as house:
        sent = await house.queued(customers=[await house.customer(), await house.customer()], channels=("email",))
    await street.execute("update customer set email = 'ok@c_d.cn' where id = (select min(id) from customer)")
    await work(street)
    assert await reasons(street, sent) == {"bad_address": 1}
    assert await street.states(sent) == {"sent": 1, "skipped": 1}


async def test_an_error_of_one_broadcast_stays_its_own_and_is_shown(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = await street.queued(2), await street.queued(2)
    of, broken = Words.of, True

    async def picky(self: Words, tx: Any, one: Any, channel: Any) -> Any:
        if one.id == bad and broken:
            raise KeyError("a fault of ours")
        return await of(self, tx, one, channel)

    monkeypatch.setattr(Words, "of", picky)
    broadcasts = Apart("sender")
    sender = await work(street, broadcasts=broadcasts)
    assert await street.states(good) == {"sent": 2}
    assert await street.states(bad) == {"queued": 2}, "nobody is blamed for it"
    problem = broadcasts.problem()
    assert problem is not None
    assert f"sms of broadcast {bad}: KeyError" in problem
    broken = False
    async with asyncio.timeout(30):
        while await street.states(bad) != {"sent": 2}:
            await sender.turn()
    assert broadcasts.problem() is None


async def test_a_batch_that_fails_leaves_nothing_under_way(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """What went on beside it would send while the broadcast is held to be one that fails."""
    await street.queued(2)
    send, calls, under_way = Dispatch.send, 0, 0

    async def picky(self: Dispatch, *given: Any, **named: Any) -> int:
        nonlocal calls, under_way
        calls += 1
        if calls == 1:
            raise KeyError("a fault of ours")
        under_way += 1
        await asyncio.sleep(0.2)
        sent = await send(self, *given, **named)
        under_way -= 1
        return sent

    monkeypatch.setattr(Dispatch, "send", picky)
    broadcasts = Apart("sender")
    await Sender(street.database, street.queues, street.settings, broadcasts).turn()
    assert (calls, under_way) == (2, 0)
    assert "a fault of ours" in (broadcasts.problem() or "")


class _Away:
    """A broker that is not there."""

    async def size(self, *_: object) -> int:
        raise Unavailable("away")


async def test_a_broker_that_is_away_keeps_nobody_from_being_told_in_the_app(street: Street) -> None:
    async with street.house() as house:
        anna = await house.customer()
        by_sms = await house.queued(customers=[anna])
        in_app = await house.queued(customers=[anna], channels=("in_app",))
    sender = Sender(street.database, _Away(), street.settings)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await sender.turn()
    assert await street.states(in_app) == {"delivered": 1}
    assert await street.states(by_sms) == {"queued": 1}


async def test_any_number_of_broadcasts_that_wait_hide_no_later_one(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "AT_ONCE", 3)

    async def waiting(house: House) -> None:
        anna = await house.customer()
        for _ in range(4):
            await broadcast.change(house.tx, await house.queued(customers=[anna], template="announcement"), "pause")
            asleep = await house.queued(customers=[anna], template="announcement")
            await house.tx.execute("update broadcast set purpose = 'marketing' where id = $1", asleep)

    await street.within(waiting)
    slow = [await street.queued(1) for _ in range(7)]
    street.settings = msgspec.structs.replace(street.settings, marketing_hours="00:00-00:01")
    await work(street)
    assert [await street.states(one) for one in slow] == [{"sent": 1}] * 7
    found = await street.within(lambda house: dispatch.list_open(house.tx))
    assert len(found) == 3, "the first page alone"


def test_every_loop_of_the_relay_is_a_part_of_its_readiness() -> None:
    source = Path("workers/run.py").read_text()
    named = source.split("_RELAY_LOOPS = (")[1].split(")")[0]
    started = [part.split('"')[1] for part in source.split("loops.run(")[1:]]
    assert [one for one in started if f'"{one}"' not in named] == ["pulse"]
