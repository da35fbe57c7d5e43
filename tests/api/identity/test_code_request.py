"""Nobody is bombed with codes, and no stranger uses up what the owner may ask for: shares are counted by who asks."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from identity.one_time_code import Owner
from kernel.security.crypto import Place
from tests.api.identity.conftest import MOBILE, People, Phone, refused, session_of


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
"""How many codes a login has got in all, and the time that passes then."""


@pytest.mark.parametrize("login", ["880001", "nobody"])
async def test_a_login_gets_one_a_minute_five_an_hour_ten_a_day_and_is_told_when_the_next_comes(
    api: httpx.AsyncClient, people: People, login: str
) -> None:
    await people.customer()
    before = 0
    for number, (wanted, interval) in enumerate(STEPS):
        first = await Phone(api, f"phone-{number}").ask(login)
        again = await Phone(api, f"phone-{number}").ask(login)
        assert (first.status_code, again.status_code) == (202 if wanted > before else 429, 429)
        assert 0 < int(again.headers["retry-after"]) <= 86_400
        assert await people.sql("select count(*) from one_time_code") == wanted
        assert await sent(people) == (wanted if login == "880001" else 0)
        await age(people, interval)
        before = wanted


async def test_a_login_that_had_its_share_keeps_its_code(phone: Phone, people: People) -> None:
    await people.customer()
    await phone.ask()
    code_id = await people.sql("select id from one_time_code")
    assert (await phone.ask()).status_code == 429
    live = "select array_agg(id) from one_time_code where subject <> '' and expires_at > now()"
    assert await people.sql(live) == [code_id]


async def test_what_is_answered_202_is_sent(phone: Phone, people: People) -> None:
    await people.customer()
    assert (await phone.ask()).status_code == 202
    assert (await phone.ask(purpose="password")).status_code == 202
    assert (await phone.ask(MOBILE, purpose="password")).status_code == 202
    assert await sent(people) == 3
    again = await phone.ask("138 1234 5678", purpose="password")  # the same, typed otherwise
    assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
    assert 50 < int(again.headers["retry-after"]) <= 60
    assert await sent(people) == 3


async def test_of_customers_who_share_a_number_it_gets_two_a_minute(api: httpx.AsyncClient, people: People) -> None:
    for number in range(3):
        await people.customer(f"88000{number}")
    assert [(await Phone(api).ask(f"88000{number}")).status_code for number in range(3)] == [202, 202, 429]


async def known(people: People, phone: Phone) -> Phone:
    """The phone, on which the customer has signed in."""
    session_of(await phone.investor(code=await people.code(Owner("sign_in", "investor", "880001", phone.device_id))))
    await people.sql("delete from one_time_code returning 1")
    return phone


@pytest.mark.parametrize("purpose", ["sign_in", "password"])
async def test_what_strangers_ask_for_leaves_the_share_of_a_known_device(
    phone: Phone, people: People, purpose: str
) -> None:
    await people.customer()
    owner = await known(people, Phone(phone.api, "owners-own"))
    for number in range(12):  # whatever a stranger may: login, number, device and address are used up
        for login in ("880001", MOBILE):
            for wanted in ("sign_in", "password"):
                await Phone(phone.api, f"strangers-{number}").ask(login, purpose=wanted)
        await age(people, "61 seconds")
    assert (await Phone(phone.api, "strangers").ask(purpose=purpose)).status_code == 429
    mine = "select count(*) from one_time_code where device_id = 'owners-own' and mobile_index is not null"
    assert (await owner.ask(purpose=purpose)).status_code == 202
    assert await people.sql(mine) == 1
    assert (await owner.ask(purpose=purpose)).status_code == 429
    for _ in range(4):
        await age(people, "61 seconds")
        assert (await owner.ask(MOBILE, purpose=purpose)).status_code == 202
    assert await people.sql(mine) == 5
    await age(people, "61 seconds")
    assert (await owner.ask(purpose=purpose)).status_code == 429


async def test_a_device_that_was_revoked_is_a_strangers(phone: Phone, people: People) -> None:
    await people.customer()
    await known(people, phone)
    for revoked, asked_by in ((False, "device"), (True, "stranger")):
        await people.sql("update device set revoked_at = case when $1::boolean then now() end returning 1", revoked)
        await phone.ask()
        assert await people.sql("select asked_by from one_time_code order by id desc limit 1") == asked_by


async def test_a_known_device_asks_for_its_owner_alone(phone: Phone, people: People) -> None:
    await people.customer()
    await people.customer("880002", "+8613900000000")
    await known(people, phone)
    await phone.ask("880002")
    assert await people.sql("select asked_by from one_time_code") == "stranger"


async def test_one_login_by_many_phones_at_once_gets_one(api: httpx.AsyncClient, people: People) -> None:
    await people.customer()
    answers = await asyncio.gather(*(Phone(api, f"phone-{number}").ask() for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [429] * 7
    assert await sent(people) == 1


async def test_a_device_asks_ten_times_an_hour_and_an_address_twenty_times_for_whomever(
    api: httpx.AsyncClient, people: People
) -> None:
    await people.customer()
    for device in ("phone-1", "phone-2"):
        statuses = [(await Phone(api, device).ask(f"{device}{number}")).status_code for number in range(10)]
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
    answers = await asyncio.gather(*(Phone(api, f"phone-{number}").ask(f"login-{number}") for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5


async def test_the_firm_sends_so_many_an_hour(open_api: Any, people: People) -> None:
    for number in range(4):
        await people.customer(f"88000{number}", f"+861390000000{number}")
    async with open_api(msgspec.structs.replace(people.settings, sms_codes=3)) as api:
        owner = await known(people, Phone(api, "owners-own"))
        for number in range(3):
            assert (await Phone(api).ask(f"nobody{number}")).status_code == 202
            assert (await Phone(api).ask(f"88000{number}")).status_code == 202
        for login in ("880003", "nobody"):
            assert (await Phone(api).ask(login)).status_code == 429
        assert (await owner.ask()).status_code == 202  # what strangers used up is not theirs


async def test_a_few_addresses_do_not_use_up_what_the_firm_sends(open_api: Any, people: People) -> None:
    settings = msgspec.structs.replace(people.settings, sms_codes=1500, trusted_proxies="127.0.0.1/32")
    await people.sql(
        "insert into one_time_code (id, purpose, audience, subject, device_id, hash, address, network, expires_at)"
        " select gen_random_uuid(), 'sign_in', 'investor', '', 'd' || n, '', '2001:db8:0:' || n || '::/64',"
        "        '2001:db8::/48', now() from generate_series(1, 29) as n returning 1"
    )
    async with open_api(settings) as api:

        async def ask(host: str) -> int:
            api.headers["X-Forwarded-For"] = host
            return (await Phone(api, f"phone-{host}").ask(f"login-{host}")).status_code

        assert [await ask(f"2001:db8:0:{number}::1") for number in ("aaa", "bbb")] == [202, 429]
        assert await ask("2001:db8:1::1") == 202


async def test_codes_in_succession_bear_no_more_tries_than_the_lock_out_does(phone: Phone, people: People) -> None:
    await people.customer()
    for _ in range(4):
        assert (await phone.ask()).status_code == 202
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
