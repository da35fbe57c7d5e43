"""An administrator hands a code over; with it, once, a person sets password and authenticator, and signs in."""

import asyncio
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from tests.api.conftest import Open, SignIn
from tests.api.identity.conftest import PASSWORD, People, Phone, bearer, refused, session_of

NEW = "a whole new password"


async def issue(api: httpx.AsyncClient, sign_in: SignIn, employee_no: str = "10086") -> httpx.Response:
    """What an administrator gets."""
    headers = await sign_in("administrator", subject="boss")
    return await api.post(f"/v1/staff/people/{employee_no}/activation", headers=headers)


async def activate(
    api: httpx.AsyncClient, code: str, employee_no: str = "10086", password: str = NEW
) -> httpx.Response:
    """What a person does with it."""
    body = {"employee_no": employee_no, "code": code, "password": password}
    return await api.post("/v1/auth/staff/activation", json=body)


async def test_from_the_administrators_code_to_the_first_sign_in(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ(password=None)
    issued = await issue(phone.api, sign_in)
    assert (issued.status_code, issued.json()["expires_in"]) == (200, 86_400)
    answer = await activate(phone.api, issued.json()["code"].lower())
    secret = parse_qs(urlsplit(answer.json()["provisioning_uri"]).query)["secret"][0]
    assert secret == answer.json()["secret"]
    assert await people.sql("select totp_proven from credential") is False
    refused(await phone.staff(secret, password=NEW, digits="000000"))
    session_of(await phone.staff(secret, password=NEW))
    assert await people.sql("select totp_proven from credential") is True
    who = await people.sql("select principal || ' ' || noun_id from audit where action = 'activation.issue'")
    assert who == "staff:boss 10086"


async def test_a_code_activates_once_also_of_two_at_once(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ(password=None)
    code = (await issue(phone.api, sign_in)).json()["code"]
    answers = await asyncio.gather(*(activate(phone.api, code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    refused(await activate(phone.api, code))


async def test_the_person_is_out_from_the_moment_the_code_is_issued(
    phone: Phone, people: People, sign_in: SignIn
) -> None:
    secret = await people.employ()
    answer = await phone.staff(secret)
    await issue(phone.api, sign_in)
    assert await people.sql("select count(*) from outbox where kind = 'SessionEnded'") == 1
    refused(await phone.refresh(answer.json()["refresh_token"]), "session_ended")
    refused(await phone.staff(secret, step=1))
    assert await people.sql("select password is null and totp is null from credential") is True


async def test_it_unlocks(phone: Phone, people: People, sign_in: SignIn) -> None:
    secret = await people.employ()
    for _ in range(6):
        refused(await phone.staff(secret, password="wrong" * 3))
    answer = await activate(phone.api, (await issue(phone.api, sign_in)).json()["code"])
    session_of(await phone.staff(answer.json()["secret"], password=NEW))


async def test_a_newer_code_ends_the_older_and_time_ends_both(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ(password=None)
    older, newer = [(await issue(phone.api, sign_in)).json()["code"] for _ in range(2)]
    refused(await activate(phone.api, older))
    await people.sql("update one_time_code set expires_at = now() returning 1")
    refused(await activate(phone.api, newer))


async def test_five_wrong_tries_lock_an_address_and_leave_the_code_to_others(
    open_api: Open, people: People, sign_in: SignIn
) -> None:
    await people.employ(password=None)
    async with open_api(msgspec.structs.replace(people.settings, trusted_proxies="127.0.0.1/32")) as api:
        code = (await issue(api, sign_in)).json()["code"]
        api.headers["X-Forwarded-For"] = "192.0.2.1"
        for answer in await asyncio.gather(*(activate(api, "22222-22222") for _ in range(7))):
            refused(answer)
        refused(await activate(api, code))
        api.headers["X-Forwarded-For"] = "192.0.2.2"
        assert (await activate(api, code)).status_code == 200


async def test_another_persons_code_opens_nothing(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ(password=None)
    await people.employ("10087", password=None)
    code = (await issue(phone.api, sign_in)).json()["code"]
    refused(await activate(phone.api, code, "10087"))
    assert (await activate(phone.api, code)).status_code == 200


async def test_a_bad_password_costs_no_try(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ(password=None)
    code = (await issue(phone.api, sign_in)).json()["code"]
    for bad in ("short", "password123", "1" * 10):
        answer = await activate(phone.api, code, password=bad)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "password")
    assert await people.sql("select tries from one_time_code") == 0
    assert (await activate(phone.api, code)).status_code == 200


@pytest.mark.parametrize("role", ["broker", "branch_manager", "compliance"])
async def test_others_may_not_hand_codes_over(phone: Phone, people: People, sign_in: SignIn, role: str) -> None:
    await people.employ()
    headers = await sign_in(role, subject="boss")
    answer = await phone.api.post("/v1/staff/people/10086/activation", headers=headers)
    assert answer.status_code == 403
    assert await people.sql("select password is not null from credential") is True


async def test_for_nobody_there_is_none(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ()
    await people.sql("update employee set left_on = current_date returning 1")
    for employee_no in ("10086", "99999"):
        assert (await issue(phone.api, sign_in, employee_no)).status_code == 404


async def test_no_answer_with_a_code_is_kept(phone: Phone, people: People, sign_in: SignIn) -> None:
    await people.employ()
    headers = {**await sign_in("administrator", subject="boss"), "Idempotency-Key": f"key-{time.time()}"}
    first, second = [await phone.api.post("/v1/staff/people/10086/activation", headers=headers) for _ in range(2)]
    assert first.json()["code"] != second.json()["code"]
    assert await people.sql("select count(*) from idempotency") == 0


async def test_a_broker_has_what_the_role_gives_and_no_more(phone: Phone, people: People) -> None:
    answer = await phone.staff(await people.employ(password=PASSWORD))
    assert (await phone.api.get("/v1/staff/jobs", headers=bearer(answer))).status_code == 403
