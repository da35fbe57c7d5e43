"""An attempt is counted where it comes from, before it is looked at; what could not be looked at is forgotten."""

import asyncio

import pytest

from identity import attempt
from identity.attempt import STRANGERS, Attempt, Origin, Proof
from kernel.errors import RateLimited
from kernel.store.database import Tx
from tests.api.identity.conftest import People, generic_plan

HERE, THERE = "192.0.2.1", "192.0.2.2"
STRANGER, ELSEWHERE = Origin("password", HERE), Origin("password", THERE)
KNOWN = Origin("password", None, "phone-1")


async def tried(tx: Tx, origin: Origin = STRANGER, subject: str = "1") -> Attempt:
    """One attempt, which was wrong."""
    begun = await attempt.begin(tx, origin, "staff", subject, 1000)
    await attempt.fail(tx, begun)
    return begun


async def locked(tx: Tx, origin: Origin = STRANGER, subject: str = "1") -> bool:
    """Whether one more would not be looked at; it is not counted."""
    inner = tx.transaction()
    await inner.start()
    begun = await attempt.begin(tx, origin, "staff", subject, 1000)
    await inner.rollback()
    return not begun.open


async def later(tx: Tx, interval: str) -> None:
    """Lets time pass for every attempt."""
    await tx.execute(f"update sign_in_attempt set at = at - interval '{interval}'")


@pytest.mark.parametrize(
    ("proof", "known", "origin"),
    [
        ("password", False, Origin("password", HERE)),
        ("password", True, Origin("password", None, "phone-1")),
        ("code", False, Origin("code", HERE, "phone-1")),
        ("code", True, Origin("code", None, "phone-1")),
        ("activation", False, Origin("activation", HERE)),
    ],
)
def test_a_known_device_is_its_own_place_and_a_stranger_that_of_the_address(
    proof: Proof, known: bool, origin: Origin
) -> None:
    assert Origin.of(proof, HERE, "phone-1", known=known) == origin


async def test_the_fifth_locks_for_a_minute_and_each_later_one_for_twice_as_long(tx: Tx) -> None:
    for _ in range(5):
        assert not await locked(tx)
        await tried(tx)
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        assert await locked(tx)
        await later(tx, f"{minutes * 60 - 5} seconds")
        assert await locked(tx)
        await later(tx, "6 seconds")
        assert (await tried(tx)).open


async def test_a_lock_holds_where_the_attempts_came_from_and_for_their_proof(tx: Tx) -> None:
    for _ in range(5):
        await tried(tx)
    assert await locked(tx)
    for origin in (ELSEWHERE, KNOWN, Origin("password", None, "phone-2"), Origin("code", HERE, "phone-1")):
        assert not await locked(tx, origin)
    assert not await locked(tx, STRANGER, subject="2")
    for _ in range(5):
        await tried(tx, KNOWN)
    assert await locked(tx, KNOWN)
    assert not await locked(tx, ELSEWHERE)
    assert not await locked(tx, Origin("code", None, "phone-1"))


async def test_guesses_at_a_code_lock_their_device_alone(tx: Tx) -> None:
    for _ in range(5):
        await tried(tx, Origin("code", HERE, "phone-1"))
    assert await locked(tx, Origin("code", THERE, "phone-1"))
    assert not await locked(tx, Origin("code", HERE, "phone-2"))


async def test_of_many_strangers_one_a_minute_is_looked_at_and_the_owner_always(tx: Tx) -> None:
    for number in range(STRANGERS):
        assert (await tried(tx, Origin("password", f"198.51.100.{number}"))).open
    assert await locked(tx, ELSEWHERE)
    assert not await locked(tx, KNOWN)
    assert not await locked(tx, Origin("code", THERE, "phone-9"))
    await later(tx, "61 seconds")
    assert (await tried(tx, ELSEWHERE)).open
    assert await locked(tx, Origin("password", "203.0.113.1"))
    await later(tx, "24 hours")
    assert not await locked(tx, Origin("password", "203.0.113.1"))


async def test_what_is_not_looked_at_does_not_hold_the_lock(tx: Tx) -> None:
    for _ in range(5):
        await tried(tx)
    await later(tx, "50 seconds")
    for _ in range(50):
        assert not (await tried(tx)).open
    await later(tx, "11 seconds")
    assert not await locked(tx)


async def test_what_nobody_decided_counts_for_a_minute(tx: Tx) -> None:
    for _ in range(5):
        await attempt.begin(tx, KNOWN, "staff", "1", 1000)
    assert await locked(tx, KNOWN)
    await later(tx, "61 seconds")
    assert not await locked(tx, KNOWN)
    await attempt.begin(tx, STRANGER, "staff", "", 1)
    await later(tx, "61 seconds")
    await attempt.begin(tx, STRANGER, "staff", "", 1)


async def test_success_begins_anew_there_and_unlocking_everywhere(tx: Tx) -> None:
    for origin in (STRANGER, ELSEWHERE, KNOWN):
        for _ in range(4):
            await tried(tx, origin)
        await attempt.forgive(tx, await attempt.begin(tx, origin, "staff", "1", 1000))
        assert await tx.fetchval("select count(*) from sign_in_attempt") == 0
    for origin in (STRANGER, KNOWN):
        for _ in range(5):
            await tried(tx, origin)
    await attempt.unlock(tx, "staff", "1")
    assert not await locked(tx)
    assert not await locked(tx, KNOWN)


async def test_an_address_has_so_many_at_once_too_and_gets_back_what_succeeded(people: People) -> None:
    waits: list[float] = []

    async def come(_: int, origin: Origin = STRANGER) -> Attempt | None:
        try:
            async with people.database.transaction() as tx:
                begun = await attempt.begin(tx, origin, "staff", "", 5)
                await attempt.fail(tx, begun)
                return begun
        except RateLimited as error:
            waits.append(error.wait)
            return None

    came = [one for one in await asyncio.gather(*map(come, range(9))) if one]
    assert len(came) == 5
    assert all(590 < wait <= 600 for wait in waits)
    assert await come(0, ELSEWHERE)
    assert await come(0, KNOWN)
    async with people.database.transaction() as tx:
        await attempt.forgive(tx, came[0])
        await attempt.forgive_one(tx, came[1])
    assert [await come(0) is not None for _ in range(3)] == [True, True, False]
    await people.sql("update sign_in_attempt set at = at - interval '11 minutes' returning 1")
    assert await come(0)


async def test_many_at_once_are_no_more_than_five(people: People) -> None:
    async def come(_: int) -> bool:
        async with people.database.transaction() as tx:
            return (await attempt.begin(tx, KNOWN, "staff", "1", 1000)).open

    assert sum(await asyncio.gather(*map(come, range(12)))) == 5


async def test_nobody_is_never_looked_at(tx: Tx) -> None:
    assert not (await attempt.begin(tx, STRANGER, "staff", "", 1000)).open


@pytest.mark.parametrize(("query", "index"), [("wait", "address"), ("begin", "person"), ("unlock", "person")])
async def test_attempts_are_counted_by_indexes_whatever_lies_there(tx: Tx, query: str, index: str) -> None:
    await tx.execute("set local enable_seqscan = off")
    plan = await generic_plan(tx, getattr(attempt._sql, query).sql)
    assert "Seq Scan on sign_in_attempt" not in plan
    assert f"sign_in_attempt_{index}" in plan
