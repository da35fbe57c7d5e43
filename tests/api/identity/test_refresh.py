"""Signing out ends the session at once, for its sockets too, and says nothing about tokens that are not known."""

import httpx
import msgspec
import pytest

from identity.principal import Tokens
from kernel.settings import Settings
from mobile_contracts.event import SessionEnded
from tests.api.conftest import Open, hears
from tests.api.identity.conftest import PASSWORD, People, Phone, bearer, refused, session_of


async def sign_out(api: httpx.AsyncClient, token: str) -> int:
    """The status of the answer."""
    return (await api.post("/v1/auth/sign-out", json={"refresh_token": token})).status_code


async def test_after_signing_out_neither_token_works(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    assert (await phone.api.get("/v1/investor/calendar", headers=bearer(answer))).status_code == 200
    assert await sign_out(phone.api, answer.json()["refresh_token"]) == 204
    assert await people.sql("select kind from outbox where kind = 'SessionEnded'") == "SessionEnded"
    hears(phone.api, SessionEnded(session_id=session_of(answer)))
    assert (await phone.api.get("/v1/investor/calendar", headers=bearer(answer))).status_code == 401
    refused(await phone.refresh(answer.json()["refresh_token"]), "session_ended")
    who = await people.sql("select principal || ' ' || reason from audit where action = 'session.end'")
    assert who == "investor:880001 signed out"


async def test_whoever_is_out_learns_why(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    answer = await phone.investor(password=PASSWORD)
    expired = Tokens(msgspec.structs.replace(people.settings, token_seconds=-60))
    old = expired.issue("investor", "880001", session_of(answer))
    path, told = "/v1/investor/calendar", []
    await sign_out(phone.api, answer.json()["refresh_token"])
    hears(phone.api, SessionEnded(session_id=session_of(answer)))
    for token in ("made-up", old, answer.json()["access_token"]):
        got = await phone.api.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (got.status_code, got.headers["www-authenticate"]) == (401, "Bearer")
        told.append(got.json()["code"])
    assert told == ["not_signed_in", "token_expired", "session_ended"]


async def test_a_token_that_was_used_signs_out_as_well_and_twice_is_once(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    token = (await phone.investor(password=PASSWORD)).json()["refresh_token"]
    renewed = await phone.refresh(token)
    assert [await sign_out(phone.api, token) for _ in range(2)] == [204, 204]
    refused(await phone.refresh(renewed.json()["refresh_token"]), "session_ended")
    assert await people.reasons("session.end") == ["signed out"]


@pytest.mark.parametrize("token", ["unknown", "A" * 43])
async def test_nothing_is_said_of_what_is_not_known(phone: Phone, token: str) -> None:
    assert await sign_out(phone.api, token) == 204


async def test_who_is_signed_in_gets_new_tokens_and_signs_out_from_an_address_that_strangers_flood(
    open_api: Open, own_settings: Settings, people: People
) -> None:
    await people.customer(password=PASSWORD)
    settings = msgspec.structs.replace(own_settings, rate_per_address=0.001, rate_burst=5000.0, rate_per_principal=50.0)
    async with open_api(settings) as api:
        phone = Phone(api)
        token = (await phone.investor(password=PASSWORD)).json()["refresh_token"]
        flood = [(await phone.refresh("A" * 86)).status_code for _ in range(6)]
        assert set(flood) == {401, 429}
        assert flood[-1] == 429
        assert (await api.get("/v1/auth/keys")).status_code == 429
        renewed = await phone.refresh(token)
        assert renewed.status_code == 200, renewed.text
        again = (await phone.refresh(token)).json()["refresh_token"]
        assert again == renewed.json()["refresh_token"], "an answer that was lost is given again"
        assert await sign_out(api, "A" * 86) == 429
        assert await sign_out(api, renewed.json()["refresh_token"]) == 204


async def test_a_session_that_asks_too_often_for_new_tokens_is_limited_itself(
    open_api: Open, own_settings: Settings, people: People
) -> None:
    await people.customer(password=PASSWORD)
    settings = msgspec.structs.replace(
        own_settings, rate_per_address=0.001, rate_burst=2000.0, rate_per_principal=0.001
    )
    async with open_api(settings) as api:
        phone = Phone(api)
        token = (await phone.investor(password=PASSWORD)).json()["refresh_token"]
        answers = [(await phone.refresh(token)).status_code for _ in range(6)]
    assert answers.count(200) >= 2
    assert answers[-1] == 429
