"""Text messages on a lease: nobody else is given them, and what is not acknowledged comes again; on both brokers."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from kernel.errors import Unavailable
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry.metrics import UNSENDABLE
from notifications.gateway import lease
from tests.api.conftest import Open
from tests.api.signing import SECRET, post, with_gateways
from tests.brokers import broker
from tests.notifications.gateway.test_lease import sms
from tests.notifications.house import House
from workers.messaging.lease import Leases

__all__ = ["broker"]

QUEUE = lease.queue("service")


@pytest.fixture
async def api(open_api: Open, broker: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(with_gateways(broker)) as client:
        yield client


@pytest.fixture
async def queues(broker: Settings) -> AsyncIterator[Queues]:
    async with open_queues(broker) as opened:
        yield opened


async def put(queues: Queues, *numbers: int) -> None:
    """Puts messages where we would."""
    await queues.publish(QUEUE, [Message(msgspec.json.encode(sms(one)), id=str(sms(one).id)) for one in numbers])


async def leased(api: httpx.AsyncClient, most: int = 10, seconds: int = 60) -> tuple[str, list[str]]:
    """A lease and the ids in it; each request of the test differs from the others."""
    body = msgspec.json.encode({"purpose": "service", "max": most, "seconds": seconds}) + b" " * next(_numbers)
    answer = await post(api, "/sms/lease", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["lease"], [one["id"] for one in answer.json()["items"]]


async def acknowledged(api: httpx.AsyncClient, lease_id: str, ids: list[str], name: str = "cmcc-1") -> list[bool]:
    """Which of the ids were settled."""
    body = msgspec.json.encode({"lease": lease_id, "ids": ids}) + b" " * next(_numbers)
    secret = {"poor-1": {"secret": "p" * 32}}.get(name, {})
    answer = await post(api, "/sms/ack", body, name=name, **secret)
    return [one["ok"] for one in answer.json()["results"]]


_numbers = iter(range(1, 10_000))


async def test_messages_are_leased_as_they_lie_in_the_queue_and_are_gone_when_acknowledged(
    api: httpx.AsyncClient, queues: Queues, broker: Settings, database: Database
) -> None:
    await put(queues, 1, 2, 3)
    answer = await post(api, "/sms/lease", {"purpose": "service", "max": 2, "seconds": 1})
    assert [one["id"] for one in answer.json()["items"]] == [str(sms(1).id), str(sms(2).id)]
    assert answer.json()["items"][0] == msgspec.to_builtins(sms(1))
    assert await acknowledged(api, answer.json()["lease"], [str(sms(1).id), str(sms(2).id)]) == [True, True]
    await asyncio.sleep(1.1)
    await _returned(database, queues, broker)
    assert (await leased(api))[1] == [str(sms(3).id)]


async def test_what_is_not_acknowledged_comes_again(
    api: httpx.AsyncClient, queues: Queues, broker: Settings, database: Database
) -> None:
    await put(queues, 1, 2)
    first, ids = await leased(api, seconds=1)
    assert await acknowledged(api, first, ids[:1]) == [True]
    assert (await leased(api))[1] == []
    await asyncio.sleep(1.1)
    await _returned(database, queues, broker)
    again, left = await leased(api)
    assert left == ids[1:]
    assert await acknowledged(api, first, left) == [False]
    assert await acknowledged(api, again, left) == [True]


async def test_an_acknowledgement_may_be_repeated_and_is_the_holders_alone(
    api: httpx.AsyncClient, queues: Queues
) -> None:
    await put(queues, 1)
    lease_id, ids = await leased(api)
    assert await acknowledged(api, lease_id, ids, name="poor-1") == [False]
    assert await acknowledged(api, str(uuid.uuid4()), ids) == [False]
    assert [await acknowledged(api, lease_id, ids) for _ in range(2)] == [[True], [True]]


async def test_side_by_side_nobody_is_given_the_same(api: httpx.AsyncClient, queues: Queues) -> None:
    await put(queues, *range(1, 41))
    leases = await asyncio.gather(*(leased(api, most=15) for _ in range(4)))
    given = [one for _, ids in leases for one in ids]
    for _ in range(4):  # what one held back while another asked
        given += (await leased(api, most=40))[1]
    assert sorted(given) == [str(sms(number).id) for number in range(1, 41)]


async def test_a_doubled_message_is_leased_once(api: httpx.AsyncClient, queues: Queues) -> None:
    await put(queues, 1, 1)
    assert (await leased(api))[1] == [str(sms(1).id)]
    await put(queues, 1)
    assert (await leased(api))[1] == []
    assert await queues.size(QUEUE) == 0


async def test_a_signature_is_good_again_when_nothing_was_taken_and_nothing_is_taken_twice_with_one(
    api: httpx.AsyncClient, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(queues, 1, 2)
    body = msgspec.json.encode({"purpose": "service", "max": 1, "seconds": 60})
    with monkeypatch.context() as patched:
        patched.setattr(lease, "take", away)
        refused = await post(api, "/sms/lease", body, at=(now := time.time()))
    assert refused.status_code == 503
    assert (await post(api, "/sms/lease", body, at=now)).status_code == 200
    again = await post(api, "/sms/lease", body, at=now)
    assert (again.status_code, again.json()["code"]) == (409, "signature_used")
    assert await queues.size(QUEUE) == 1


async def away(*_: object) -> None:
    raise Unavailable


async def test_what_nobody_can_read_harms_no_lease(api: httpx.AsyncClient, queues: Queues) -> None:
    await queues.publish(QUEUE, [Message(b'{"schema": "hexad.sms/1"}')])
    await put(queues, 1)
    assert (await leased(api))[1] == [str(sms(1).id)]
    assert await queues.size(QUEUE.dead) == 1


async def test_a_message_that_nobody_can_read_has_failed_and_is_counted(
    api: httpx.AsyncClient, queues: Queues, broker: Settings, database: Database
) -> None:
    message_id = await sent_one(database, broker)
    await queues.publish(QUEUE, [Message(msgspec.json.encode({"schema": "hexad.sms/1", "id": str(message_id)}))])
    counted = UNSENDABLE.labels("sms", "unsendable")._value.get()
    assert (await leased(api))[1] == []
    assert await queues.size(QUEUE.dead) == 1
    assert await ending(database) == ("failed", "UNSENDABLE")
    assert UNSENDABLE.labels("sms", "unsendable")._value.get() == counted + 1


async def sent_one(database: Database, settings: Settings) -> uuid.UUID:
    """A message of a broadcast that was handed over."""
    async with database.transaction() as tx:
        house = House(tx, settings)
        await house.open()
        await house.queued(customers=[await house.customer()])
        found: uuid.UUID = await tx.fetchval("update outgoing set state = 'sent', attempt = 1 returning id")
        return found


async def ending(database: Database) -> tuple[str, str | None]:
    """State and reason of the only message."""
    async with database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        row = await tx.fetchrow("select state, reason from outgoing")
        assert row is not None
        return row["state"], row["reason"]


@pytest.mark.parametrize("broker", ["pgmq"], indirect=True)
async def test_a_gateway_leases_only_the_purposes_it_was_given(api: httpx.AsyncClient) -> None:
    asked = {"purpose": "marketing", "max": 1, "seconds": 1}
    assert (await post(api, "/sms/lease", asked)).status_code == 403
    for purpose in ("transactional", "service", "marketing"):
        answer = await post(api, "/sms/lease", asked | {"purpose": purpose}, name="poor-1", secret="p" * 32)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("broker", ["pgmq"], indirect=True)
@pytest.mark.parametrize(
    "wrong", [{"max": 501}, {"max": 0}, {"seconds": 301}, {"seconds": 0}, {"purpose": "all"}, {"x": 1}], ids=str
)
async def test_what_is_asked_is_bounded(api: httpx.AsyncClient, wrong: dict[str, object]) -> None:
    asked = {"purpose": "service", "max": 1, "seconds": 1} | wrong
    assert (await post(api, "/sms/lease", asked)).status_code == 400


async def _returned(database: Database, queues: Queues, settings: Settings) -> None:
    """What the relay does every second."""
    await Leases(database, queues, settings).turn()


async def test_a_message_that_one_gateway_leased_no_other_settles(
    open_api: Open, queues: Queues, broker: Settings, database: Database
) -> None:
    message_id = await sent_one(database, broker)
    await queues.publish(QUEUE, [Message(msgspec.json.encode(msgspec.structs.replace(sms(1), id=message_id)))])
    said = {"schema": "hexad.receipt/1", "id": str(message_id), "gateway_id": "1", "status": "delivered", "code": "",
            "at": "2026-11-28T10:00:00+08:00"}  # fmt: skip
    settings = msgspec.structs.replace(with_gateways(broker), gateways="poor-1:sms")
    async with open_api(settings) as api:
        _, ids = await leased(api)
        assert ids == [str(message_id)]
        for name, secret, code in (("poor-1", "p" * 32, "other_gateway"), ("cmcc-1", SECRET, None)):
            answer = await post(api, "/receipts", {"items": [{**said, "gateway": name}]}, name=name, secret=secret)
            assert answer.json()["results"][0].get("code") == code
            async with database.transaction() as tx:
                await apply_system(tx, "test", kind="company")
                rows = await tx.fetch("select problem from receipt where gateway = $1", name)
                state = await tx.fetchval("select state from outgoing")
            assert ([row[0] for row in rows], state) == ([code], "sent" if code else "delivered")
