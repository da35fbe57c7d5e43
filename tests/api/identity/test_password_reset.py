"""Whoever has the phone of an account sets a new password with a code, once; everybody signed in before is out."""

import asyncio

import httpx
import pytest

from identity.one_time_code import Owner
from tests.api.identity.conftest import MOBILE, PASSWORD, People, Phone, refused, session_of

NEW = "a whole new password"
OWN = Owner("password", "investor", "880001", "phone-1")


async def reset(phone: Phone, code: str, login: str = "880001", password: str = NEW) -> httpx.Response:
    """Sets a new password."""
    body = {"login": login, "device_id": phone.device_id, "code": code, "password": password}
    return await phone.api.post("/v1/auth/investor/password", json=body)


@pytest.mark.parametrize("before", [PASSWORD, None])
async def test_from_the_request_to_the_next_sign_in(phone: Phone, people: People, before: str | None) -> None:
    await people.customer(password=before)
    assert (await phone.ask(MOBILE, purpose="password")).status_code == 202
    code = await people.code(OWN)
    answer = await reset(phone, code, MOBILE)
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    refused(await phone.investor(password=PASSWORD))
    session_of(await phone.investor(password=NEW))
    refused(await reset(phone, code))
    assert await people.sql("select noun_id from audit where action = 'password.reset'") == "investor:880001"
    assert await people.sql("select count(*) from outbox where kind = 'CredentialChanged'") == 1
    assert await people.reasons() == ["password", "password code"]


async def test_every_session_ends_and_a_lock_opens(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    here, there = [await Phone(phone.api, one).investor(password=PASSWORD) for one in ("phone-1", "phone-2")]
    for _ in range(6):
        refused(await phone.investor(password="wrong" * 3))
    assert (await reset(phone, await people.code(OWN))).status_code == 204
    assert await people.sql("select count(*) from session where revoked_at is null") == 0
    assert await people.sql("select count(*) from outbox where kind = 'SessionEnded'") == 2
    for answer, device in ((here, "phone-1"), (there, "phone-2")):
        refused(await Phone(phone.api, device).refresh(answer.json()["refresh_token"]), "session_ended")
    session_of(await phone.investor(password=NEW))


@pytest.mark.parametrize(
    "owner",
    [
        Owner("sign_in", "investor", "880001", "phone-1"),
        Owner("password", "investor", "880001", "phone-2"),
        Owner("password", "investor", "880002", "phone-1"),
        Owner("password", "staff", "880001", "phone-1"),
    ],
)
async def test_a_code_for_something_else_or_of_another_does_nothing(phone: Phone, people: People, owner: Owner) -> None:
    await people.customer(password=PASSWORD)
    refused(await reset(phone, await people.code(owner)))
    session_of(await phone.investor(password=PASSWORD))


async def test_a_code_cannot_be_guessed(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    code = await people.code(OWN)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(5):
        refused(await reset(phone, wrong))
    refused(await reset(phone, code))


async def test_of_several_at_once_one_is_taken(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    code = await people.code(OWN)
    answers = await asyncio.gather(*(reset(phone, code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [204, 401, 401]


@pytest.mark.parametrize("password", ["short", "1234567890", "880001880001"])
async def test_a_password_that_will_not_do_leaves_the_code_as_it_was(
    phone: Phone, people: People, password: str
) -> None:
    await people.customer(password=PASSWORD)
    code = await people.code(OWN)
    for login in ("880001", MOBILE):
        answer = await reset(phone, code, login, password)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "password")
    assert (await reset(phone, code)).status_code == 204


async def test_too_many_failures_from_one_address_are_429(phone: Phone, people: People) -> None:
    await people.sql("insert into sign_in_attempt select '127.0.0.1', now() from generate_series(1, 200) returning 1")
    assert (await reset(phone, "123456")).status_code == 429
