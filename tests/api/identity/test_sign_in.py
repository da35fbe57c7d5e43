"""Who is right comes in once; whoever is wrong, locked out or unknown sees one and the same answer."""

import asyncio
import unicodedata
from typing import Any

import msgspec
import pytest
from argon2 import PasswordHasher

from identity import credential
from identity.one_time_code import Owner
from identity.password import Passwords, normal
from kernel.errors import Unavailable
from tests.api.identity.conftest import MOBILE, PASSWORD, People, Phone, bearer, refused, session_of

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


@pytest.mark.parametrize(("step", "status"), [(-2, 401), (2, 401), (-1, 200), (1, 200)])
async def test_an_authenticator_may_be_one_step_off(phone: Phone, people: People, step: int, status: int) -> None:
    answer = await phone.staff(await people.employ(), step=step)
    assert answer.status_code == status


async def test_five_failures_lock_a_stranger_out_and_not_the_owner_on_a_known_device(
    phone: Phone, people: People
) -> None:
    secret = await people.employ()
    await people.customer(password=PASSWORD)
    stranger = Phone(phone.api, "strangers")
    session_of(await phone.staff(secret, step=-1))
    session_of(await phone.investor(password=PASSWORD))
    for _ in range(5):
        refused(await stranger.staff(secret, password="wrong" * 3))
        refused(await stranger.investor(password="wrong" * 3))
    refused(await stranger.staff(secret))
    refused(await stranger.investor(password=PASSWORD))
    assert (await people.reasons())[-2:] == ["locked"] * 2
    session_of(await phone.staff(secret))
    session_of(await phone.investor(password=PASSWORD))


async def test_a_known_device_is_locked_by_itself_alone(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    session_of(await phone.investor(password=PASSWORD))
    for _ in range(5):
        refused(await phone.investor(password="wrong" * 3))
    refused(await phone.investor(password=PASSWORD))
    session_of(await phone.investor(code=await people.code(OWN)))
    other = Phone(phone.api, "phone-2")
    session_of(await other.investor(password=PASSWORD))


async def test_many_addresses_slow_strangers_and_nobody_else(open_api: Any, people: People) -> None:
    settings = msgspec.structs.replace(people.settings, trusted_proxies="127.0.0.1/32")
    await people.customer(password=PASSWORD)
    async with open_api(settings) as api:
        owner, stranger = Phone(api), Phone(api, "strangers")
        session_of(await owner.investor(password=PASSWORD))
        for number in range(20):
            await people.lock("investor", "880001", f"198.51.100.{number}")
        api.headers["X-Forwarded-For"] = "203.0.113.1"
        refused(await stranger.investor(password=PASSWORD))
        session_of(await owner.investor(password=PASSWORD))
        session_of(await stranger.investor(code=await people.code(msgspec.structs.replace(OWN, device_id="strangers"))))
        session_of(await stranger.investor(password=PASSWORD))  # which is known now
        await people.sql("update sign_in_attempt set at = at - interval '61 seconds' returning 1")
        session_of(await Phone(api, "new").investor(password=PASSWORD))


async def test_wrong_guesses_on_other_devices_leave_the_owners_code(phone: Phone, people: People) -> None:
    await people.customer()
    code = await people.code(OWN)
    wrong = "000000" if code != "000000" else "000001"
    for number in range(20):
        other = Phone(phone.api, f"strangers-{number // 5}")
        if number % 5 == 0:
            await other.ask(purpose="sign_in")
        refused(await other.investor(code=wrong))
    session_of(await phone.investor(code=code))


async def test_many_guesses_at_once_are_no_more_than_five(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    guesses = [phone.investor(password=f"guess number {number}") for number in range(12)]
    for answer in await asyncio.gather(*guesses):
        refused(answer)
    assert sorted(await people.reasons()) == ["locked"] * 7 + ["password"] * 5
    assert await people.sql("select count(*) from sign_in_attempt where subject <> ''") == 5


async def test_what_was_not_verified_is_not_counted(
    phone: Phone, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody finds a free place before anybody takes one, as in a crowd: whoever comes too late is not counted."""
    await people.customer(password=PASSWORD)
    monkeypatch.setattr("identity.password._STRANGERS_AT_MOST", 2)
    verifying, go_on = asyncio.Semaphore(0), asyncio.Event()
    verify = Passwords.verify

    async def slow(self: Passwords, stored: str | None, password: str) -> bool:
        verifying.release()
        await go_on.wait()
        return await verify(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", slow)
    two = [asyncio.create_task(phone.investor(password=PASSWORD)) for _ in range(2)]
    for _ in two:
        await verifying.acquire()
    crowd = await asyncio.gather(*(phone.investor(password=PASSWORD) for _ in range(30)))
    assert {(one.status_code, one.json()["code"]) for one in crowd} == {(503, "overloaded")}
    assert await people.sql("select count(*) from sign_in_attempt") == 2
    go_on.set()
    for answer in await asyncio.gather(*two):
        session_of(answer)
    assert await people.sql("select count(*) from sign_in_attempt") == 0
    session_of(await phone.investor(password=PASSWORD))


async def test_a_crowd_with_right_passwords_leaves_nobody_with_a_failure(phone: Phone, people: People) -> None:
    numbers = [f"88{number:04}" for number in range(100)]
    for number, no in enumerate(numbers):
        await people.customer(no, f"+861380000{number:04}")
    hashed = await Passwords().hash(PASSWORD)
    await people.sql(
        "insert into credential (audience, subject, password) select 'investor', customer_no, $1 from customer"
        " returning 1", hashed,
    )  # fmt: skip
    phones = [Phone(phone.api, f"phone-{no}") for no in numbers]
    answers = await asyncio.gather(
        *(one.investor(no, password=PASSWORD) for one, no in zip(phones, numbers, strict=True))
    )
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert await people.sql("select count(*) from sign_in_attempt where wrong") == 0
    assert await people.reasons() == []


async def test_the_database_away_after_the_verification_leaves_no_failure(
    phone: Phone, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.customer(password=PASSWORD)

    async def away(*_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr("identity.refresh_token.begin", away)
    for _ in range(5):
        assert (await phone.investor(password=PASSWORD)).status_code == 503
    monkeypatch.undo()
    await people.sql("update sign_in_attempt set at = at - interval '61 seconds' returning 1")
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


async def test_too_many_failures_from_one_address_are_429_for_strangers_there(phone: Phone, people: People) -> None:
    door: Any = phone.api._transport
    settings = door.app.inner.state.door.settings
    assert settings.sign_in_attempts == 200
    await people.customer(password=PASSWORD)
    await people.sql("insert into sign_in_attempt select '127.0.0.1', now() from generate_series(1, 199) returning 1")
    session_of(await phone.investor(password=PASSWORD))  # success is taken back
    refused(await phone.investor("nobody", password=PASSWORD))
    session_of(await phone.investor(password=PASSWORD))  # a known device is not kept out by its neighbours
    for login in ("nobody", "880001"):
        answer = await Phone(phone.api, "phone-2").investor(login, password=PASSWORD)
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
        before = await credential.find(tx, "investor", "880001")
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
        refused(await phone.refresh(here.json()["refresh_token"]), "session_ended")
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
