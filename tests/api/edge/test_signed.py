"""A signature opens a gateway's routes once, within five minutes, for the body it was made for; nothing else does."""

import hashlib
import time
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from tests.api.conftest import Open, SignIn
from tests.api.signing import SECRET, headers, post, with_gateways

BODY = b'{"items":[]}'
PATH = "/v1/gateway/receipts"


@pytest.fixture
async def signing_api(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with open_api(with_gateways(own_settings)) as client:
        yield client


async def test_a_signature_is_good_once(signing_api: httpx.AsyncClient) -> None:
    given = headers(BODY)
    assert (await signing_api.post(PATH, content=BODY, headers=given)).json() == {"results": []}
    again = await signing_api.post(PATH, content=BODY, headers=given)
    assert (again.status_code, again.json()["code"]) == (409, "signature_used")
    later = headers(BODY, at=time.time() + 1)
    assert (await signing_api.post(PATH, content=BODY, headers=later)).status_code == 200


async def test_of_two_at_once_one_is_taken(signing_api: httpx.AsyncClient) -> None:
    import asyncio

    given = headers(BODY)
    answers = await asyncio.gather(*(signing_api.post(PATH, content=BODY, headers=given) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]


async def test_a_request_that_was_refused_leaves_its_signature_unused(signing_api: httpx.AsyncClient) -> None:
    body = b'{"items":[],"more":1}'
    given = headers(body)
    for _ in range(2):
        assert (await signing_api.post(PATH, content=body, headers=given)).json()["code"] == "invalid_input"


@pytest.mark.parametrize("seconds", [-301, 301, -1e6, 1e9])
async def test_a_clock_that_is_wrong_is_told_the_time(signing_api: httpx.AsyncClient, seconds: float) -> None:
    answer = await post(signing_api, "/receipts", BODY, at=time.time() + seconds)
    assert (answer.status_code, answer.json()["code"]) == (401, "clock_skewed")
    assert str(int(time.time()))[:8] in answer.json()["detail"]


@pytest.mark.parametrize("seconds", [-295, 295])
async def test_a_clock_may_be_a_little_wrong(signing_api: httpx.AsyncClient, seconds: float) -> None:
    assert (await post(signing_api, "/receipts", BODY, at=time.time() + seconds)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Hexad-Gateway": "poor-1"},
        {"X-Hexad-Gateway": "nobody-1"},
        {"X-Hexad-Gateway": ""},
        {"X-Hexad-Timestamp": "0"},
        {"X-Hexad-Timestamp": "soon"},
        {"X-Hexad-Timestamp": "9" * 40},
        {"X-Hexad-Signature": ""},
        {"X-Hexad-Signature": "sha256="},
        {"X-Hexad-Signature": "sha256=" + "0" * 64},
        {"X-Hexad-Signature": "sha256=" + "x" * 64},
        {"X-Hexad-Signature": "sha1=" + "0" * 64},
    ],
    ids=str,
)
async def test_a_forged_signature_is_refused_whatever_is_wrong_with_it(
    signing_api: httpx.AsyncClient, changed: dict[str, str]
) -> None:
    answer = await signing_api.post(PATH, content=BODY, headers=headers(BODY) | changed)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_refused")
    assert "detail" not in answer.json()


async def test_another_body_or_secret_is_refused(signing_api: httpx.AsyncClient) -> None:
    answer = await signing_api.post(PATH, content=b'{"items": []}', headers=headers(BODY))
    assert answer.json()["code"] == "signature_refused"
    assert (await post(signing_api, "/receipts", BODY, secret="s" * 40)).status_code == 401
    assert (await post(signing_api, "/receipts", BODY, name="", secret="nobody signs with this")).status_code == 401


async def test_a_token_opens_no_route_of_gateways_and_a_signature_no_other(
    signing_api: httpx.AsyncClient, sign_in: SignIn
) -> None:
    for token in (await sign_in(), await sign_in("investor", "investor", "88000001")):
        assert (await signing_api.post(PATH, json={"items": []}, headers=token)).status_code == 401
    assert (await signing_api.get("/v1/staff/jobs", headers=headers(b""))).status_code == 401


async def test_a_giant_is_refused(signing_api: httpx.AsyncClient) -> None:
    assert (await post(signing_api, "/receipts", b" " * (1 << 20) + BODY)).status_code == 413


async def test_both_secrets_are_good_while_one_replaces_the_other(open_api: Open, own_settings: Settings) -> None:
    two = msgspec.structs.replace(own_settings, gateway_secrets=f"cmcc-1:{SECRET},cmcc-1:{'n' * 32}")
    async with open_api(two) as api:
        for secret in (SECRET, "n" * 32):
            assert (await post(api, "/receipts", BODY, secret=secret)).status_code == 200
        assert (await post(api, "/receipts", BODY, secret="o" * 32)).status_code == 401


async def test_a_gateway_that_asks_too_often_waits(open_api: Open, own_settings: Settings) -> None:
    slow = msgspec.structs.replace(with_gateways(own_settings), rate_per_principal=0.5, rate_burst=4)
    async with open_api(slow) as api:
        answers = [await post(api, "/receipts", BODY, at=time.time() + number) for number in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]


async def test_no_secret_and_no_signature_is_logged(
    signing_api: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await post(signing_api, "/receipts", BODY, secret="canary" * 8)
    said = capsys.readouterr()
    assert "canary" not in said.out + said.err
    assert SECRET not in said.out + said.err
    assert hashlib.sha256(SECRET.encode()).hexdigest() not in said.out
