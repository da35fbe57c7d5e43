"""A code opens once, for its own person, purpose and device, within its time and its five tries."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity import one_time_code
from identity.one_time_code import Owner, by_hand_code, plain, shown
from kernel.store.database import Tx
from tests.api.identity.conftest import MOBILE, People, generic_plan

OWN = Owner("sign_in", "investor", "880001", "phone-1")
OTHERS = [
    Owner("password", "investor", "880001", "phone-1"),
    Owner("sign_in", "staff", "880001", "phone-1"),
    Owner("sign_in", "investor", "880002", "phone-1"),
    Owner("sign_in", "investor", "880001", "phone-2"),
    Owner("sign_in", "investor", "", "phone-1"),
]


async def test_it_is_good_once(people: People) -> None:
    given_code = await people.code(OWN)
    assert len(given_code) == 6
    async with people.database.transaction() as tx:
        found = await people.codes.matches(tx, OWN, given_code)
        assert found is not None
        assert [await one_time_code.use(tx, found) for _ in range(2)] == [True, False]
        assert await people.codes.matches(tx, OWN, given_code) is None


@pytest.mark.parametrize("other", OTHERS, ids=str)
async def test_it_is_nobody_elses_and_for_nothing_else(people: People, other: Owner) -> None:
    given_code = await people.code(OWN)
    async with people.database.transaction() as tx:
        assert await people.codes.matches(tx, other, given_code) is None
        assert await people.codes.matches(tx, OWN, given_code) is not None


@pytest.mark.parametrize("other", OTHERS, ids=str)
async def test_moved_to_another_row_its_hash_opens_nothing(people: People, other: Owner) -> None:
    given_code = await people.code(OWN)
    await people.sql(
        "update one_time_code set purpose = $1, audience = $2, subject = $3, device_id = $4 returning 1",
        other.purpose,
        other.audience,
        other.subject,
        other.device_id,
    )
    async with people.database.transaction() as tx:
        assert await people.codes.matches(tx, other, given_code) is None


async def test_guesses_at_once_are_no_more_than_five(people: People) -> None:
    given_code = await people.code(OWN)
    wrong = [number for number in (f"{number:06}" for number in range(9)) if number != given_code]

    async def guess(number: str) -> bool:
        async with people.database.transaction() as tx:
            return await people.codes.matches(tx, OWN, number) is not None

    assert not any(await asyncio.gather(*map(guess, wrong)))
    assert await people.sql("select tries from one_time_code") == 5
    assert not await guess(given_code)


async def test_right_at_once_it_is_used_by_one(people: People) -> None:
    given_code = await people.code(OWN)

    async def come_in() -> bool:
        async with people.database.transaction() as tx:
            found = await people.codes.matches(tx, OWN, given_code)
        async with people.database.transaction() as tx:
            return found is not None and await one_time_code.use(tx, found)

    assert sorted(await asyncio.gather(*(come_in() for _ in range(5)))) == [False] * 4 + [True]


async def test_it_ends_with_its_time_and_with_a_newer_one(people: People) -> None:
    first = await people.code(OWN)
    second = await people.code(OWN)
    async with people.database.transaction() as tx:
        assert first == second or await people.codes.matches(tx, OWN, first) is None
        assert await people.codes.matches(tx, OWN, second) is not None
    assert 295 < await people.sql("select max(extract(epoch from expires_at - now())) from one_time_code") <= 300
    await people.sql("update one_time_code set expires_at = now() returning 1")
    async with people.database.transaction() as tx:
        assert await people.codes.matches(tx, OWN, second) is None


async def test_neither_code_nor_number_stands_in_the_table_in_clear(people: People) -> None:
    given_code = await people.code(OWN)
    row = str(await people.sql("select (hash, sealed, mobile, mobile_index)::text from one_time_code"))
    assert given_code.encode().hex() not in row
    assert MOBILE[3:].encode().hex() not in row


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=4))
def test_what_is_handed_over_is_read_however_it_is_typed(gap: int) -> None:
    made = by_hand_code()
    typed = shown(made).lower()
    assert plain(f" {typed[:gap]} {typed[gap:]} ") == made
    assert len(made) == 10
    assert not set(made) & set("01OIL")


async def test_a_newer_one_on_another_device_or_for_something_else_ends_nothing(people: People) -> None:
    """What strangers ask for on their devices leaves the owner's code as it was."""
    given_code = await people.code(OWN)
    for other in OTHERS:
        await people.code(other)
    async with people.database.transaction() as tx:
        assert await people.codes.matches(tx, OWN, given_code) is not None


async def test_the_shares_are_counted_by_indexes_however_much_others_asked_for(owner_tx: Tx) -> None:
    await owner_tx.execute(
        "insert into one_time_code (id, purpose, audience, subject, device_id, hash, mobile_index, address, expires_at,"
        " asked_by, asked_for, network) select gen_random_uuid(), 'sign_in', 'investor', n::text, n::text, '',"
        " n::text::bytea, n::text, now(), 'stranger', n::text::bytea, n::text from generate_series(1, 20000) as n"
    )
    await owner_tx.execute("analyze one_time_code")
    plan = await generic_plan(owner_tx, one_time_code._sql.wait.sql)
    assert "Seq Scan on one_time_code" not in plan
    assert "BitmapOr" in plan
    for index in ("asked_for", "mobile", "device", "address", "network"):
        assert f"one_time_code_{index}" in plan
