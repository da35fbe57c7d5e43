"""Nobody can be bombed with codes: limits by number, address, device and firm, each counted in the database."""

import asyncio
from typing import Any

import httpx
import msgspec

from kernel.crypto import Place
from tests.api.auth.conftest import MOBILE, People, Phone, refused, session_of


async def sent(people: People) -> int:
    """Codes that went to a number."""
    found: int = await people.sql("select count(*) from one_time_code where mobile_index is not null")
    return found


async def age(people: People, interval: str) -> None:
    """Lets time pass for every code."""
    await people.sql(f"update one_time_code set created_at = created_at - interval '{interval}' returning 1")


async def test_what_was_asked_for_is_wanted_once_for_the_right_person(phone: Phone, people: People) -> None:
    await people.customer()
    answer = await phone.ask(MOBILE)
    assert (answer.status_code, answer.json()) == (202, {"expires_in": 300, "again_in": 60})
    kind = await people.sql("select kind from outbox where payload->>'code_id' = (select id::text from one_time_code)")
    assert kind == "CodeWanted"
    assert await people.sql("select array[audience, subject, purpose, device_id] from one_time_code") == [
        "investor", "880001", "sign_in", "phone-1",
    ]  # fmt: skip
    refused(await phone.investor(code="000000"))


MINUTE, HOUR = "61 seconds", "61 minutes"
STEPS = [(1, MINUTE), (2, MINUTE), (3, MINUTE), (4, MINUTE), (5, MINUTE), (5, HOUR), (6, HOUR), (7, HOUR), (8, HOUR),
         (9, HOUR), (10, HOUR), (10, "24 hours"), (11, "0")]  # fmt: skip
"""How many codes a number has got in all, and the time that passes then."""


async def test_a_number_gets_one_a_minute_five_an_hour_ten_a_day_and_the_answer_stays_the_same(
    api: httpx.AsyncClient, people: People
) -> None:
    await people.customer()
    for number, (wanted, interval) in enumerate(STEPS):
        for _ in range(2):
            assert (await Phone(api, f"phone-{number}").ask()).status_code == 202
        assert await sent(people) == wanted
        await age(people, interval)


async def test_a_number_that_had_its_share_keeps_its_code(phone: Phone, people: People) -> None:
    await people.customer()
    await phone.ask()
    code_id = await people.sql("select id from one_time_code")
    assert (await phone.ask()).status_code == 202
    live = "select array_agg(id) from one_time_code where subject <> '' and expires_at > now()"
    assert await people.sql(live) == [code_id]


async def test_one_number_by_many_phones_at_once_gets_one(api: httpx.AsyncClient, people: People) -> None:
    await people.customer()
    answers = await asyncio.gather(*(Phone(api, f"phone-{number}").ask() for number in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert await sent(people) == 1


async def test_a_device_asks_ten_times_an_hour_and_an_address_twenty_times_for_whomever(
    api: httpx.AsyncClient, people: People
) -> None:
    await people.customer()
    for device in ("phone-1", "phone-2"):
        statuses = [(await Phone(api, device).ask(f"99{number}")).status_code for number in range(10)]
        assert statuses == [202] * 10
        if device == "phone-1":
            assert (await Phone(api, device).ask()).status_code == 429
    for login in ("880001", "999999"):
        answer = await Phone(api, "phone-3").ask(login)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
    await age(people, "61 minutes")
    assert (await Phone(api, "phone-3").ask()).status_code == 202


async def test_an_address_that_asks_at_once_gets_no_more_than_its_share(api: httpx.AsyncClient, people: People) -> None:
    await people.sql(
        "insert into one_time_code (id, purpose, audience, subject, device_id, hash, address, expires_at)"
        " select gen_random_uuid(), 'sign_in', 'investor', '', 'd' || n, '', '127.0.0.1', now()"
        "   from generate_series(1, 17) as n returning 1"
    )
    answers = await asyncio.gather(*(Phone(api, f"phone-{number}").ask() for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5


async def test_the_firm_sends_so_many_an_hour(open_api: Any, people: People) -> None:
    for number in range(4):
        await people.customer(f"88000{number}", f"+861390000000{number}")
    async with open_api(msgspec.structs.replace(people.settings, sms_codes=3)) as api:
        for number in range(3):
            assert (await Phone(api).ask("nobody")).status_code == 202
            assert (await Phone(api).ask(f"88000{number}")).status_code == 202
        for login in ("880003", "nobody"):
            assert (await Phone(api).ask(login)).status_code == 429


async def test_codes_in_succession_bear_no_more_tries_than_the_lock_out_does(phone: Phone, people: People) -> None:
    await people.customer()
    for _ in range(4):
        await phone.ask()
        await age(people, "61 seconds")
        for _ in range(2):
            refused(await phone.investor(code="000000"))
    assert await people.reasons() == ["code"] * 5 + ["locked"] * 3


async def test_an_investor_comes_in_with_what_the_code_was(phone: Phone, people: People) -> None:
    await people.customer()
    await phone.ask()
    code_id, sealed = await people.sql("select (id, sealed) from one_time_code")
    code = people.fields.open(sealed, Place("one_time_code", "sealed", str(code_id)))
    refused(await Phone(phone.api, "another-phone").investor(code=code))
    session_of(await phone.investor(code=code))
    refused(await phone.investor(code=code))
