"""Nobody waits for somebody else: what is put off leaves the queue, and one slow answer holds up no other message."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from kernel.queues.broker import open_queues
from kernel.queues.client import Queues
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokers import broker
from tests.workers.smtp.conftest import Relay
from tests.workers.smtp.test_letter import email
from tests.workers.smtp.test_sender import SERVICE, mailing, put, receipts, sending, until
from workers.smtp.sender import QUEUES

__all__ = ["broker", "mailing"]

LATER = "451 4.7.1 greylisted"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop does not wait long for the question that is under way."""
    monkeypatch.setattr("workers.smtp.sender._WAIT", 0.2)


@pytest.fixture
async def queues(mailing: Settings) -> AsyncIterator[Queues]:
    async with open_queues(mailing) as opened:
        yield opened


async def waiting(database: Database) -> int:
    """How many messages wait for their time outside of the queue."""
    async with database.connection() as connection:
        return int(await connection.fetchval("select count(*) from email_deferred"))


async def test_twenty_to_other_domains_pass_a_hundred_that_are_put_off_and_leave_the_queue(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    put_off = [email(number, to=f"c{number}@slow.cn") for number in range(1, 101)]
    good = [email(number) for number in range(101, 121)]
    await put(queues, *put_off, *good)
    async with sending(mailing):
        found = await receipts(queues, len(good))
        await until(lambda: _is(database, len(put_off)))
    assert {one.id for one in found} == {one.id for one in good}
    assert await queues.size(SERVICE) == 0
    async with database.connection() as connection:
        sealed: list[bytes] = [row[0] for row in await connection.fetch("select sealed from email_deferred")]
    assert not any(b"slow.cn" in one for one in sealed), "who it goes to is for nobody to read"


async def test_what_was_put_off_is_offered_by_another_sender_and_its_place_is_free_again(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, *(email(number, to=f"c{number}@slow.cn") for number in range(1, 6)))
        await until(lambda: _is(database, 5))
    relay.says.clear()
    await _due(database)
    async with sending(mailing), sending(mailing):
        found = await receipts(queues, 5)
        await until(lambda: _is(database, 0))
    assert {one.status for one in found} == {"accepted"}
    assert len(relay.taken) == 5


async def test_what_died_with_a_message_in_hand_leaves_it_to_the_next(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, email(1, to="c@slow.cn"))
        await until(lambda: _is(database, 1))
    relay.says.clear()
    await _due(database)
    relay.slow.clear()
    async with sending(mailing) as sender:
        await until(lambda: _heard(relay))
        sender.abandon()  # without a word, as if it had been killed
    relay.slow.set()
    assert await waiting(database) == 1
    await _due(database)
    async with sending(mailing):
        assert [one.code for one in await receipts(queues, 1)] == ["250 2.0.0 again"]
        await until(lambda: _is(database, 0))


async def test_what_is_put_off_until_it_expires_is_answered_then(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, email(1, to="c@slow.cn", lives=4))
        (one,) = await receipts(queues, 1)
        assert (one.status, one.code) == ("undelivered", "451 4.7.1")
        await until(lambda: _is(database, 0))


async def test_a_second_copy_of_what_waits_makes_no_second_letter(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, email(1, to="c@slow.cn"))
        await until(lambda: _is(database, 1))
        await put(queues, email(1, to="c@slow.cn", attempt=2))
        await until(lambda: _empty(queues))
        assert await waiting(database) == 1
        relay.says.clear()
        await _due(database)
        assert [one.status for one in await receipts(queues, 1)] == ["accepted"]
    assert len(relay.taken) == 1


async def test_one_that_cannot_be_opened_ends_and_the_others_go(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, email(1, to="c@slow.cn"), email(2, to="d@slow.cn"))
        await until(lambda: _is(database, 2))
        relay.says.clear()
        async with database.connection() as connection:
            await connection.execute(
                "update email_deferred set sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40)) where id = $1",
                email(1).id,
            )
        await _due(database)
        found = await receipts(queues, 2)
        await until(lambda: _is(database, 0))
    assert {(one.id, one.status, one.code) for one in found} == {
        (email(1).id, "rejected", "UNREADABLE"), (email(2).id, "accepted", "250 2.0.0"),
    }  # fmt: skip


async def test_a_batch_does_not_wait_for_the_one_that_is_slow(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.stalls.add("stuck@b.cn")
    await put(queues, email(1, to="stuck@b.cn"), *(email(number) for number in range(2, 41)))
    async with sending(msgspec.structs.replace(mailing, smtp_timeout=20.0)) as sender:
        found = await receipts(queues, 39)
        assert relay.open == 1, "the slow one is still under way"
        async with database.connection() as connection:
            kept = await connection.fetchval("select count(*) from email_attempt where status = 'accepted'")
        assert kept == 39
        relay.go_on.set()
        found += await receipts(queues, 1)
        await sender.drained()
    assert len({one.id for one in found}) == 40


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_who_is_answered_421_is_put_off_and_the_rest_of_the_batch_is_not(
    mailing: Settings, queues: Queues, relay: Relay, database: Database, command: str
) -> None:
    relay.says["@full.cn"] = "421 4.7.0 not now" if command == "RCPT" else ""
    relay.says_of_content["@full.cn"] = "421 4.7.0 not now"
    await put(queues, *(email(number, to=f"c{number}@full.cn") for number in range(1, 13)), email(13))
    async with sending(mailing):
        found = await receipts(queues, 1)
        await until(lambda: _is(database, 12))
    assert [one.id for one in found] == [email(13).id]
    async with database.connection() as connection:
        rows = await connection.fetch("select code, tries, unanswered from email_attempt where status is null")
    assert {tuple(row) for row in rows} == {("421 4.7.0", 1, 0)}


async def test_marketing_never_takes_the_last_connection(mailing: Settings, queues: Queues, relay: Relay) -> None:
    relay.stalls |= {f"c{number}@b.cn" for number in range(1, 9)}
    await put(queues, *(email(number, to=f"c{number}@b.cn") for number in range(1, 9)))
    async with sending(msgspec.structs.replace(mailing, smtp_timeout=20.0)):
        await until(lambda: _open(relay, mailing.smtp_connections - 1))
        urgent = next(one for one in QUEUES if "transactional" in one.name)
        await put(queues, email(20, purpose="transactional"), queue=urgent)
        assert [one.id for one in await receipts(queues, 1)] == [email(20).id]
        relay.go_on.set()
        await receipts(queues, 8)


async def test_what_is_in_hand_is_not_forgotten_though_its_time_comes_again(
    mailing: Settings, queues: Queues, relay: Relay, database: Database
) -> None:
    relay.says["@slow.cn"] = LATER
    async with sending(mailing):
        await put(queues, email(1, to="c@slow.cn"))
        await until(lambda: _is(database, 1))
    relay.says.clear()
    await _due(database)
    relay.stalls.add("c@slow.cn")
    async with sending(msgspec.structs.replace(mailing, smtp_timeout=20.0)):
        await until(lambda: _heard(relay))
        await _due(database)
        await put(queues, email(2))
        await receipts(queues, 1)
        await asyncio.sleep(1.5)  # a look into the table
        assert await waiting(database) == 1
        relay.go_on.set()
        await receipts(queues, 1)
        await until(lambda: _is(database, 0))
    assert len(relay.taken) == 2


async def test_a_copy_of_what_is_in_hand_is_given_up_no_sooner(
    mailing: Settings, queues: Queues, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.smtp.sender._LEASE", 0)  # the same comes again while it is in hand
    relay.stalls.add("c@slow.cn")
    async with sending(msgspec.structs.replace(mailing, smtp_timeout=20.0)) as sender:
        await put(queues, email(1, to="c@slow.cn"))
        await until(lambda: _heard(relay))
        await asyncio.sleep(3)
        sender.abandon()  # without a word, as if it had been killed
        relay.stalls.clear()
        relay.go_on.set()
        assert [one.code for one in await receipts(queues, 1)] == ["250 2.0.0 again"]
        await until(lambda: _empty(queues))


async def test_copies_of_what_was_in_hand_are_given_up_with_it(
    mailing: Settings, queues: Queues, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.smtp.sender._LEASE", 0)
    relay.stalls.add("c@slow.cn")
    async with sending(msgspec.structs.replace(mailing, smtp_timeout=20.0)):
        await put(queues, email(1, to="c@slow.cn"))
        await until(lambda: _heard(relay))
        await put(queues, email(1, to="c@slow.cn", attempt=2))
        await asyncio.sleep(2)
        monkeypatch.setattr("workers.smtp.sender._LEASE", 8)
        relay.go_on.set()
        await until(lambda: _empty(queues))
    assert len(relay.taken) == 1


async def _is(database: Database, number: int) -> bool:
    return await waiting(database) == number


async def _heard(relay: Relay) -> bool:
    return relay.open > 0


async def _open(relay: Relay, number: int) -> bool:
    await asyncio.sleep(0)
    return relay.open >= number


async def _empty(queues: Queues) -> bool:
    return await queues.size(SERVICE) == 0


async def _due(database: Database) -> None:
    """The time of all that waits has come."""
    async with database.connection() as connection:
        await connection.execute("update email_deferred set due_at = now()")
        await connection.execute("update email_attempt set again_at = now() where again_at is not null")
