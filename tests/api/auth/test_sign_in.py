"""Who is right comes in once; whoever is wrong, locked out or unknown sees one and the same answer."""

import asyncio
import unicodedata
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher

from api.auth import credential
from api.auth.code import Owner
from api.auth.password import normal
from tests.api.auth.conftest import MOBILE, PASSWORD, People, Phone, bearer, refused, session_of

COMPOSED = "\ufb01n de si\u00e8cle"
OWN = Owner("sign_in", "investor", "880001", "phone-1")


async def test_staff_sign_in_by_password_and_authenticator(phone: Phone, people: People) -> None:
    secret = await people.employ()
    answer = await phone.staff(secret)
    session_id = session_of(answer)
    calendar = await phone.api.get("/v1/staff/calendar", headers=bearer(answer))
    assert calendar.status_code == 200
    row = await people.sql(
        "select array[audience, subject, device_id, roles::text] from session where id = $1", session_id
    )
    assert row == ["staff", "10086", "phone-1", "{}"]
    audited = await people.sql("select principal || ' ' || reason from audit where action = 'sign_in'")
    assert audited == "staff:10086 password, authenticator"


async def test_an_investor_signs_in_by_password_or_code_with_either_number(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    for login in ("880001", MOBILE, "138 1234 5678"):
        session_of(await phone.investor(login, password=PASSWORD))
        session_of(await phone.investor(login, code=await people.code(OWN)))
    assert await people.sql("select count(*) from session where roles = '{investor}'") == 6


async def test_a_step_of_the_authenticator_is_good_once_and_none_before_it(phone: Phone, people: People) -> None:
    secret = await people.employ()
    session_of(await phone.staff(secret))
    refused(await phone.staff(secret))
    refused(await phone.staff(secret, step=-1))
    session_of(await phone.staff(secret, step=1))
    refused(await phone.staff(secret, step=1))
    assert await people.reasons() == ["used before"] * 3


async def test_of_two_at_once_with_one_step_one_comes_in(phone: Phone, people: People) -> None:
    secret = await people.employ()
    answers = await asyncio.gather(*(phone.staff(secret) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


@pytest.mark.parametrize(("step", "status"), [(-3, 401), (-2, 401), (3, 401), (-1, 200), (1, 200)])
async def test_an_authenticator_may_be_one_step_off(phone: Phone, people: People, step: int, status: int) -> None:
    answer = await phone.staff(await people.employ(), step=step)
    assert answer.status_code == status or abs(step) == 2  # the clock may turn between asking and answering


async def test_five_failures_lock_for_a_minute_and_each_later_one_for_twice_as_long(
    phone: Phone, people: People
) -> None:
    secret = await people.employ()
    left = "select round(extract(epoch from locked_until - now())) from credential"
    for _ in range(5):
        refused(await phone.staff(secret, password="wrong" * 3))
    assert 55 <= await people.sql(left) <= 60
    refused(await phone.staff(secret))
    assert await people.reasons() == ["password"] * 5 + ["locked"]
    for minutes in (2, 4, 8, 16, 32, 60, 60, 60):
        await people.sql("update credential set locked_until = now() returning 1")
        refused(await phone.staff(secret, password="wrong" * 3))
        assert 60 * minutes - 5 <= await people.sql(left) <= 60 * minutes
    await people.sql("update credential set locked_until = now() returning 1")
    session_of(await phone.staff(secret))
    assert await people.sql("select failures from credential where locked_until is null") == 0


async def test_many_guesses_at_once_are_no_more_than_five(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    guesses = [phone.investor(password=f"guess number {number}") for number in range(12)]
    for answer in await asyncio.gather(*guesses):
        refused(answer)
    assert sorted(await people.reasons()) == ["locked"] * 7 + ["password"] * 5
    assert await people.sql("select failures from credential") == 5


async def test_an_overload_counts_against_nobody(phone: Phone, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    await people.customer(password=PASSWORD)
    monkeypatch.setattr("api.auth.password._WAITING_AT_MOST", 0)
    for _ in range(6):
        assert (await phone.investor(password=PASSWORD)).status_code == 503
    monkeypatch.undo()
    session_of(await phone.investor(password=PASSWORD))


async def test_who_left_or_closed_their_account_does_not_come_in(phone: Phone, people: People) -> None:
    secret = await people.employ()
    await people.customer(password=PASSWORD)
    await people.sql("update employee set left_on = current_date returning 1")
    refused(await phone.staff(secret))
    await people.sql("update customer set status = 'closed' returning 1")
    refused(await phone.investor(password=PASSWORD))
    await people.sql("update customer set status = 'normal', closed_on = current_date returning 1")
    refused(await phone.investor(code=await people.code(OWN)))
    assert await people.reasons() == ["nobody"] * 3


async def test_a_mobile_number_that_two_customers_share_opens_neither(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    await people.customer("880002", password=PASSWORD)
    refused(await phone.investor(MOBILE, password=PASSWORD))
    session_of(await phone.investor("880002", password=PASSWORD))


async def test_a_number_that_a_broker_entered_opens_nothing(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    brokers = "+8613900000000"
    await people.sql(
        "insert into contact (customer_id, mobile_index) select id, $1 from customer returning 1",
        people.index.of("mobile", brokers),
    )
    refused(await phone.investor(brokers, password=PASSWORD))
    await phone.ask()
    sent = await people.sql("select mobile_index from one_time_code where mobile_index is not null")
    assert sent == people.index.of("mobile", MOBILE)


async def test_a_hash_with_old_parameters_is_made_anew_at_sign_in(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await people.sql("update credential set password = $1 returning 1", old)
    session_of(await phone.investor(password=PASSWORD))
    assert "m=19456,t=2,p=1" in await people.sql("select password from credential")
    session_of(await phone.investor(password=PASSWORD))


async def test_a_password_is_the_same_however_it_was_composed(phone: Phone, people: People) -> None:
    await people.customer(password=normal(COMPOSED))
    session_of(await phone.investor(password=unicodedata.normalize("NFD", COMPOSED)))


@pytest.mark.parametrize("proof", [{}, {"password": PASSWORD, "code": "123456"}])
async def test_either_a_password_or_a_code(phone: Phone, proof: dict[str, str]) -> None:
    assert (await phone.investor(**proof)).status_code == 400


async def test_too_many_failures_from_one_address_are_429_for_everybody_there(phone: Phone, people: People) -> None:
    door: Any = phone.api._transport
    settings = door.app.inner.state.door.settings
    assert settings.sign_in_attempts == 200
    await people.customer(password=PASSWORD)
    await people.sql("insert into sign_in_attempt select '127.0.0.1', now() from generate_series(1, 199) returning 1")
    session_of(await phone.investor(password=PASSWORD))  # success is taken back
    refused(await phone.investor("nobody", password=PASSWORD))
    for login in ("nobody", "880001"):
        answer = await phone.investor(login, password=PASSWORD)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 500 < int(answer.headers["retry-after"]) <= 600


async def test_a_host_for_investors_alone_does_not_sign_staff_in(open_api: Any, people: People) -> None:
    secret = await people.employ()
    async with open_api(msgspec.structs.replace(people.settings, audiences="investor")) as api:
        assert (await Phone(api).staff(secret)).status_code == 404
    async with open_api(people.settings) as api:
        token = (await Phone(api).staff(secret)).json()["refresh_token"]
    async with open_api(msgspec.structs.replace(people.settings, audiences="investor")) as api:
        refused(await Phone(api).refresh(token))
    async with open_api(people.settings) as api:
        assert (await Phone(api).refresh(token)).status_code == 200


async def test_what_was_cleared_meanwhile_does_not_let_anybody_in(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    async with people.database.transaction() as tx:
        before = await credential.charge(tx, "investor", "880001")
        assert before is not None
        await credential.clear(tx, "investor", "880001")
        assert not await credential.accept(tx, "investor", "880001", before.password)


async def test_a_device_is_known_from_the_first_sign_in_on_it(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    (one,) = (await phone.api.get("/v1/investor/devices", headers=bearer(answer))).json()
    assert (one["device_id"], one["name"], one["app_version"]) == ("phone-1", "Test phone", "1.0.0")
    await people.sql("update device set seen_at = '2020-01-01' returning 1")
    await phone.refresh(answer.json()["refresh_token"])
    assert await people.sql("select seen_at > now() - interval '1 minute' from device") is True
    await people.sql("update device set seen_at = '2020-01-01' returning 1")
    session_of(await phone.investor(password=PASSWORD))
    assert await people.sql("select seen_at > now() - interval '1 minute' from device") is True


async def test_on_a_revoked_device_only_who_is_right_learns_that_it_was_revoked(phone: Phone, people: People) -> None:
    secret = await people.employ()
    await people.customer(password=PASSWORD)
    other = Phone(phone.api, "phone-2")
    for audience, here, there in (
        ("staff", await phone.staff(secret, step=-1), await other.staff(secret)),
        ("investor", await phone.investor(password=PASSWORD), await other.investor(password=PASSWORD)),
    ):
        gone = await phone.api.delete(f"/v1/{audience}/devices/phone-1", headers=bearer(there))
        assert gone.status_code == 204
        refused(await phone.refresh(here.json()["refresh_token"]))
    refused(await phone.staff(secret, password="wrong" * 3, step=1))
    refused(await phone.investor(password="wrong" * 3))
    answers = [
        await phone.staff(secret, step=1),
        await phone.investor(password=PASSWORD),
        await phone.investor(code=await people.code(OWN)),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "device_revoked")] * 3
    assert (await people.reasons())[-3:] == ["device revoked"] * 3
    allow = {**bearer(there), "Idempotency-Key": "allow-phone-1"}
    assert (await phone.api.post("/v1/investor/devices/phone-1/allow", headers=allow)).status_code == 200
    session_of(await phone.investor(password=PASSWORD))
