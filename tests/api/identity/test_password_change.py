"""A password is changed by the old one, an investor's first one set by a code; other devices are signed out."""

from typing import Any

import httpx
import pytest

from identity import credential
from identity.one_time_code import Owner
from tests.api.identity.conftest import PASSWORD, People, Phone, bearer, refused, session_of

NEW = "a whole new password"


async def put(
    answer: httpx.Response, api: httpx.AsyncClient, audience: str = "investor", **body: Any
) -> httpx.Response:
    """The answer to a change asked for in the session that began."""
    return await api.put(f"/v1/{audience}/password", json=body, headers=bearer(answer))


async def test_staff_change_theirs_and_stay_signed_in_here_alone(phone: Phone, people: People) -> None:
    secret = await people.employ()
    elsewhere = session_of(await Phone(phone.api, "phone-2").staff(secret, step=-1))
    here = await phone.staff(secret)
    changed = await put(here, phone.api, "staff", old_password=PASSWORD, password=NEW)
    assert changed.status_code == 204
    assert await people.sql("select array_agg(id) from session where revoked_at is not null") == [elsewhere]
    assert (await phone.refresh(here.json()["refresh_token"])).status_code == 200
    refused(await phone.staff(secret, step=1))
    session_of(await phone.staff(secret, password=NEW, step=1))
    assert await people.sql("select principal from audit where action = 'password.change'") == "staff:10086"


async def test_an_investor_sets_the_first_by_a_code_for_this_purpose(phone: Phone, people: People) -> None:
    await people.customer()
    mine = Owner("sign_in", "investor", "880001", "phone-1")
    answer = await phone.investor(code=await people.code(mine))
    for owner in (mine, Owner("password", "investor", "880001", "phone-2")):
        wrong = await put(answer, phone.api, code=await people.code(owner), password=NEW)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "code")
    assert (await phone.ask(purpose="password")).status_code == 202  # whatever was asked for to sign in, or elsewhere
    assert await people.sql("select count(*) from one_time_code where purpose = 'password' and subject <> ''") == 2
    code = await people.code(Owner("password", "investor", "880001", "phone-1"))
    assert (await put(answer, phone.api, code=code, password=NEW)).status_code == 204
    session_of(await phone.investor(password=NEW))
    assert await people.reasons("password.refused") == ["code"] * 2


async def test_where_there_is_no_place_the_code_is_not_used_up(
    phone: Phone, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.customer()
    answer = await phone.investor(code=await people.code(Owner("sign_in", "investor", "880001", "phone-1")))
    code = await people.code(Owner("password", "investor", "880001", "phone-1"))
    monkeypatch.setattr("identity.password._WAITING_AT_MOST", 0)
    for _ in range(6):
        assert (await put(answer, phone.api, code=code, password=NEW)).status_code == 503
    monkeypatch.undo()
    assert (await put(answer, phone.api, code=code, password=NEW)).status_code == 204


async def test_who_has_one_needs_it(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    code = await people.code(Owner("password", "investor", "880001", "phone-1"))
    assert (await put(answer, phone.api, code=code, password=NEW)).status_code == 400
    assert (await put(answer, phone.api, old_password=PASSWORD, password=NEW)).status_code == 204


async def test_the_old_one_cannot_be_guessed(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    for number in range(5):
        wrong = await put(answer, phone.api, old_password=f"guess {number}", password=NEW)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "old_password")
    locked = await put(answer, phone.api, old_password=PASSWORD, password=NEW)
    assert locked.json()["errors"] == wrong.json()["errors"]
    assert await people.reasons("password.refused") == ["old_password"] * 6


@pytest.mark.parametrize(
    "body",
    [
        {"password": NEW},
        {"password": NEW, "old_password": PASSWORD, "code": "123456"},
        {"password": "short", "old_password": PASSWORD},
        {"password": "880001880001", "old_password": PASSWORD},
        {"old_password": PASSWORD},
    ],
)
async def test_what_does_not_fit_is_told(phone: Phone, people: People, body: dict[str, str]) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    assert (await put(answer, phone.api, **body)).status_code == 400
    session_of(await phone.investor(password=PASSWORD))


async def test_an_activation_in_the_meantime_wins(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    async with people.database.transaction() as tx:
        before = (await credential.find(tx, "investor", "880001")).password
        await credential.clear(tx, "investor", "880001")
        assert not await credential.set_password(tx, "investor", "880001", before, "hash")
        assert await credential.set_password(tx, "investor", "880001", None, "hash")
