"""A session lives by refresh tokens, each good once; whoever uses one again later, or elsewhere, ends it for all."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest

from identity.refresh_token import end_others
from tests.api.identity.conftest import PASSWORD, People, Phone, bearer, refused, session_of


@pytest.fixture
async def signed_in(phone: Phone, people: People) -> dict[str, Any]:
    """What an investor got at sign-in."""
    await people.customer(password=PASSWORD)
    found: dict[str, Any] = (await phone.investor(password=PASSWORD)).json()
    return found


async def test_tokens_are_renewed_and_the_new_ones_work(phone: Phone, signed_in: dict[str, Any]) -> None:
    token = signed_in["refresh_token"]
    for _ in range(3):
        answer = await phone.refresh(token)
        assert answer.status_code == 200
        assert answer.json()["session_id"] == signed_in["session_id"]
        assert answer.json()["refresh_token"] != token
        assert (await phone.api.get("/v1/investor/calendar", headers=bearer(answer))).status_code == 200
        token = answer.json()["refresh_token"]


async def test_only_the_hash_of_a_token_is_kept(people: People, signed_in: dict[str, Any]) -> None:
    token = signed_in["refresh_token"]
    assert len(token) == 86
    assert await people.sql("select hash from refresh_token") == hashlib.sha256(token.encode()).digest()


async def test_one_that_is_used_again_later_ends_the_session_and_is_audited(
    phone: Phone, people: People, signed_in: dict[str, Any]
) -> None:
    first = await phone.refresh(signed_in["refresh_token"])
    await people.sql("update refresh_token set used_at = now() - interval '61 seconds' where used_at is not null")
    refused(await phone.refresh(signed_in["refresh_token"]), "token_reused")
    refused(await phone.refresh(first.json()["refresh_token"]), "session_ended")
    refused(await phone.refresh(signed_in["refresh_token"]), "token_reused")
    assert await people.sql("select revoked_at is not null from session") is True
    assert await people.sql("select count(*) from outbox where kind = 'SessionEnded'") == 1
    assert await people.reasons("refresh.refused") == ["refresh token used twice"] * 2
    assert await people.reasons("session.end") == ["refresh token used twice"]


async def test_where_the_answer_was_lost_it_is_given_again(
    phone: Phone, people: People, signed_in: dict[str, Any]
) -> None:
    token = signed_in["refresh_token"]
    for _ in range(3):
        pairs = [(await phone.refresh(token)).json() for _ in range(3)]
        told = [(one["access_token"], one["refresh_token"], one["session_id"]) for one in pairs]
        assert told == [told[0]] * 3
        token = pairs[0]["refresh_token"]
    assert await people.sql("select count(*) from refresh_token where used_at is null") == 1
    assert await people.sql("select revoked_at from session") is None


async def test_once_the_new_one_is_used_the_old_one_is_reuse(
    phone: Phone, people: People, signed_in: dict[str, Any]
) -> None:
    first = (await phone.refresh(signed_in["refresh_token"])).json()["refresh_token"]
    second = (await phone.refresh(first)).json()["refresh_token"]
    refused(await phone.refresh(signed_in["refresh_token"]), "token_reused")
    refused(await phone.refresh(second), "session_ended")
    assert await people.sql("select revoked_at is not null from session") is True


async def test_of_two_at_once_both_get_the_same(phone: Phone, people: People, signed_in: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(phone.refresh(signed_in["refresh_token"]) for _ in range(4)))
    assert len({(one.json()["refresh_token"], one.json()["access_token"]) for one in answers}) == 1
    assert (await phone.refresh(answers[0].json()["refresh_token"])).status_code == 200


async def test_an_access_token_that_has_expired_meanwhile_is_not_given_again(
    phone: Phone, people: People, signed_in: dict[str, Any]
) -> None:
    first = (await phone.refresh(signed_in["refresh_token"])).json()
    await people.sql("update refresh_token set access_at = access_at - 599 where used_at is null returning 1")
    old = (await phone.refresh(signed_in["refresh_token"])).json()
    assert 0 < old["expires_in"] <= 1
    await people.sql("update refresh_token set access_at = access_at - 600 where used_at is null returning 1")
    again = (await phone.refresh(signed_in["refresh_token"])).json()
    assert (again["refresh_token"], again["expires_in"]) == (first["refresh_token"], 600)
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    assert (await phone.api.get("/v1/investor/calendar", headers=headers)).status_code == 200


@pytest.mark.parametrize("used", [False, True])
async def test_on_another_device_it_ends_the_session(
    api: httpx.AsyncClient, people: People, signed_in: dict[str, Any], used: bool
) -> None:
    if used:
        await Phone(api).refresh(signed_in["refresh_token"])
    refused(await Phone(api, "stolen-to").refresh(signed_in["refresh_token"]), "token_reused")
    refused(await Phone(api).refresh(signed_in["refresh_token"]), "session_ended")
    (why,) = await people.reasons("session.end")
    assert why == ("refresh token used twice" if used else "refresh token used on another device")


async def test_after_signing_out_it_is_not_given_again(phone: Phone, signed_in: dict[str, Any]) -> None:
    token = signed_in["refresh_token"]
    await phone.refresh(token)
    await phone.api.post("/v1/auth/sign-out", json={"refresh_token": token})
    refused(await phone.refresh(token), "session_ended")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("update session set revoked_at = now() returning 1", "session_ended"),
        ("update session set expires_at = now() returning 1", "session_ended"),
        ("update refresh_token set expires_at = now() returning 1", "token_expired"),
        ("update customer set status = 'closed' returning 1", "session_ended"),
    ],
)
async def test_what_ended_is_not_renewed(
    phone: Phone, people: People, signed_in: dict[str, Any], change: str, code: str
) -> None:
    await people.sql(change)
    refused(await phone.refresh(signed_in["refresh_token"]), code)


async def test_of_an_employee_who_left_neither(phone: Phone, people: People) -> None:
    answer = await phone.staff(await people.employ())
    await people.sql("update employee set left_on = current_date returning 1")
    refused(await phone.refresh(answer.json()["refresh_token"]), "session_ended")


async def test_a_token_slides_for_thirty_days_and_never_past_ninety(
    phone: Phone, people: People, signed_in: dict[str, Any]
) -> None:
    day = 24 * 3600
    assert 30 * day - 5 < signed_in["refresh_expires_in"] <= 30 * day
    assert await people.sql("select round(extract(epoch from expires_at - now()) / 86400) from session") == 90
    await people.sql("update session set expires_at = now() + interval '10 days' returning 1")
    answer = await phone.refresh(signed_in["refresh_token"])
    assert 10 * day - 5 < answer.json()["refresh_expires_in"] <= 10 * day


@pytest.mark.parametrize("token", ["x", "A" * 43, "-" * 200])
async def test_what_we_did_not_make_is_refused(phone: Phone, token: str) -> None:
    refused(await phone.refresh(token))


@pytest.mark.parametrize("token", ["", "ü", "A" * 201, "a b"])
async def test_what_is_no_token_is_an_invalid_input(phone: Phone, token: str) -> None:
    assert (await phone.refresh(token)).status_code == 400


async def test_other_sessions_of_a_person_end_and_nobody_elses(phone: Phone, people: People) -> None:
    await people.customer(password=PASSWORD)
    await people.customer("880002", "+8613900000000", password=PASSWORD)
    kept, other = [session_of(await phone.investor(password=PASSWORD)) for _ in range(2)]
    strangers = session_of(await phone.investor("880002", password=PASSWORD))
    async with people.database.transaction() as tx:
        assert await end_others(tx, "investor", "880001", "why", keep=kept) == 1
    ended = await people.sql("select array_agg(id) from session where revoked_at is not null")
    assert ended == [other]
    assert strangers not in ended
