"""Single sign-on against a real provider: who comes back right comes in, on the device that began, once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from tests.api.conftest import Open
from tests.api.identity.conftest import People, bearer, refused, session_of
from tests.api.identity.oidc import CLIENT, REDIRECT, SECRET, Provider

DEVICE = {"device_id": "phone-1"}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers."""
    one = Provider()
    one.start()
    yield one
    one.stop()


def known_to(settings: Settings, provider: Provider) -> Settings:
    """Settings that name the provider."""
    return msgspec.structs.replace(
        settings, oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET,
        oidc_redirect_uri=REDIRECT,
    )  # fmt: skip


@pytest.fixture
async def api(open_api: Open, own_settings: Settings, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """The application where single sign-on is offered."""
    async with open_api(known_to(own_settings, provider)) as client:
        yield client


async def start(api: httpx.AsyncClient, device_id: str = "phone-1") -> str:
    """Where the browser goes."""
    answer = await api.post("/v1/auth/oidc/start", json={"device_id": device_id})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def finish(api: httpx.AsyncClient, back: dict[str, str], device_id: str = "phone-1") -> httpx.Response:
    """What the app does with what came back."""
    return await api.post("/v1/auth/oidc/finish", json={**back, "device": {"device_id": device_id}})


async def sign_in(api: httpx.AsyncClient, provider: Provider) -> httpx.Response:
    """There and back."""
    return await finish(api, await provider.consent(await start(api)))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_who_is_right_at_the_provider_is_right_here(
    api: httpx.AsyncClient, provider: Provider, people: People, algorithm: str
) -> None:
    provider.algorithm = algorithm
    await people.employ(password=None)
    answer = await sign_in(api, provider)
    session_of(answer)
    assert (await api.get("/v1/staff/calendar", headers=bearer(answer))).status_code == 200
    assert await people.sql("select reason from audit where action = 'sign_in'") == "single sign-on"
    assert await people.sql("select count(*) from oidc_request") == 0
    assert await people.sql("select count(*) from sign_in_attempt") == 0


async def test_on_a_revoked_device_nobody_comes_in(api: httpx.AsyncClient, provider: Provider, people: People) -> None:
    await people.employ(password=None)
    there = await finish(api, await provider.consent(await start(api, "phone-2")), "phone-2")
    await sign_in(api, provider)
    assert (await api.delete("/v1/staff/devices/phone-1", headers=bearer(there))).status_code == 204
    answer = await sign_in(api, provider)
    assert (answer.status_code, answer.json()["code"]) == (403, "device_revoked")
    assert await people.reasons() == ["device revoked"]


async def test_the_address_bears_state_nonce_and_challenge_of_which_we_keep_no_secret_in_clear(
    api: httpx.AsyncClient, people: People
) -> None:
    first, second = [parse_qs(urlsplit(await start(api)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) == 43
        assert first[name] != second[name]
    rows = await people.sql("select string_agg(oidc_request::text, ' ') from oidc_request")
    assert first["state"][0].encode().hex() not in rows


async def test_a_secret_goes_where_the_provider_wants_it(
    api: httpx.AsyncClient, provider: Provider, people: People
) -> None:
    provider.described = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await people.employ(password=None)
    session_of(await sign_in(api, provider))


async def test_a_state_is_good_once_also_of_two_at_once(
    api: httpx.AsyncClient, provider: Provider, people: People
) -> None:
    await people.employ(password=None)
    back = await provider.consent(await start(api))
    answers = await asyncio.gather(*(finish(api, back) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    refused(await finish(api, back))


async def test_a_state_of_another_device_is_refused_and_gone(
    api: httpx.AsyncClient, provider: Provider, people: People
) -> None:
    await people.employ(password=None)
    back = await provider.consent(await start(api))
    refused(await finish(api, back, "phone-2"))
    refused(await finish(api, back))
    assert await people.reasons() == ["state"] * 2


async def test_a_state_is_refused_after_ten_minutes_or_when_it_was_never_ours(
    api: httpx.AsyncClient, provider: Provider, people: People
) -> None:
    await people.employ(password=None)
    back = await provider.consent(await start(api))
    assert 595 < await people.sql("select extract(epoch from expires_at - now()) from oidc_request") <= 600
    await people.sql("update oidc_request set expires_at = now() returning 1")
    refused(await finish(api, back))
    refused(await finish(api, {**back, "state": "A" * 43}))
    assert "/token" not in provider.asked


async def test_a_code_of_another_sign_in_is_refused(api: httpx.AsyncClient, provider: Provider, people: People) -> None:
    await people.employ(password=None)
    mine, theirs = [await provider.consent(await start(api)) for _ in range(2)]
    refused(await finish(api, {"state": mine["state"], "code": theirs["code"]}))  # PKCE: another verifier
    refused(await finish(api, {"state": theirs["state"], "code": "never issued"}))


@pytest.mark.parametrize("employee_no", ["99999", "", None, 10086, "x" * 65, ["10086"]])
async def test_whom_we_do_not_know_is_refused(
    api: httpx.AsyncClient, provider: Provider, people: People, employee_no: Any
) -> None:
    await people.employ(password=None)
    provider.claims["employee_no"] = employee_no
    refused(await sign_in(api, provider))


async def test_who_left_is_refused(api: httpx.AsyncClient, provider: Provider, people: People) -> None:
    await people.employ(password=None)
    await people.sql("update employee set left_on = current_date returning 1")
    refused(await sign_in(api, provider))
    assert await people.reasons() == ["nobody here"]


async def test_a_provider_that_is_away_is_503_and_nothing_is_kept(
    api: httpx.AsyncClient, provider: Provider, people: People
) -> None:
    back = await provider.consent(await start(api))
    provider.stop()
    answer = await finish(api, back)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_without_a_provider_it_is_not_offered(open_api: Open, own_settings: Settings) -> None:
    async with open_api(own_settings) as api:
        for path, body in (("start", DEVICE), ("finish", {"state": "A", "code": "B", "device": DEVICE})):
            answer = await api.post(f"/v1/auth/oidc/{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_strangers_of_the_same_address_do_not_keep_a_device_of_staff_out(
    api: httpx.AsyncClient, people: People, provider: Provider
) -> None:
    await people.employ()
    session_of(await sign_in(api, provider))
    assert await people.sql("select count(*) from sign_in_attempt") == 0
    await people.sql("insert into sign_in_attempt select '127.0.0.1', now() from generate_series(1, 200) returning 1")
    stranger = await api.post("/v1/auth/oidc/start", json={"device_id": "phone-2"})
    assert (stranger.status_code, stranger.json()["code"]) == (429, "rate_limited")
    session_of(await sign_in(api, provider))
    assert await people.sql("select count(*) from sign_in_attempt") == 200
    await people.sql("insert into sign_in_attempt select 'device phone-1' from generate_series(1, 200) returning 1")
    assert (await api.post("/v1/auth/oidc/start", json=DEVICE)).status_code == 429
