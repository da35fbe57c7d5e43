"""What a provider says is believed to the letter or not at all, and none keeps us waiting or fills our memory."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import msgspec
import pytest

from identity import provider as module
from identity.provider import Provider, challenge
from kernel.errors import Unavailable, WrongCredentials
from kernel.settings import Settings
from tests.api.identity import oidc
from tests.api.identity.test_single_sign_on import known_to

NONCE, VERIFIER = "n" * 43, "v" * 43


@pytest.fixture(scope="module")
def shared() -> Iterator[oidc.Provider]:
    """One server for the whole file."""
    one = oidc.Provider()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def theirs(shared: oidc.Provider) -> Iterator[oidc.Provider]:
    """The provider as it should be; what a test changes is put back."""
    before = {name: value.copy() if hasattr(value, "copy") else value for name, value in vars(shared).items()
              if name in ("claims", "described", "token", "misbehave", "algorithm", "kid", "keys")}  # fmt: skip
    yield shared
    for name, value in before.items():
        setattr(shared, name, value)


@pytest.fixture
async def ours(settings: Settings, theirs: oidc.Provider) -> AsyncIterator[Provider]:
    """Our side of it."""
    one = Provider(known_to(settings, theirs))
    yield one
    await one.close()


async def person(ours: Provider, theirs: oidc.Provider) -> str:
    """There and back, without our own state."""
    back = await theirs.consent(await ours.address("state", NONCE, VERIFIER))
    return await ours.person(back["code"], VERIFIER, NONCE)


async def test_the_person_is_whom_the_claim_names(ours: Provider, theirs: oidc.Provider) -> None:
    assert await person(ours, theirs) == "10086"
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "other"}, {"nonce": None}, {"aud": "other"}, {"aud": None}, {"aud": [oidc.CLIENT, "other"]},
        {"aud": [oidc.CLIENT, "other"], "azp": "other"}, {"azp": "other"}, {"iss": "https://elsewhere.test"},
        {"iss": None}, {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"iat": None}, {"iat": 1}, {"iat": 2**40},
        {"sub": None}, {"nbf": 2**40}, {"employee_no": None}, {"employee_no": {"a": 1}},
    ],
    ids=str,
)  # fmt: skip
async def test_a_token_that_says_anything_wrong_is_refused(
    ours: Provider, theirs: oidc.Provider, claims: dict[str, Any]
) -> None:
    theirs.claims |= claims
    with pytest.raises(WrongCredentials):
        await person(ours, theirs)


async def test_a_token_for_several_is_ours_when_we_are_its_authorized_party(
    ours: Provider, theirs: oidc.Provider
) -> None:
    theirs.claims |= {"aud": ["other", oidc.CLIENT], "azp": oidc.CLIENT}
    assert await person(ours, theirs) == "10086"


def right(theirs: oidc.Provider) -> dict[str, Any]:
    """Claims that would be good in a token that is signed well."""
    now = int(time.time())
    return {"iss": theirs.issuer, "aud": oidc.CLIENT, "iat": now, "exp": now + 300, "nonce": NONCE, **theirs.claims}


async def test_no_signature_a_foreign_one_or_another_algorithm_is_refused(
    ours: Provider, theirs: oidc.Provider
) -> None:
    claims, foreign = right(theirs), oidc.strangers_key()
    good = jwt.encode(claims, theirs.keys["RS256"], "RS256", headers={"kid": "1"})
    head, body, signature = good.split(".")
    swapped = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"1"}').decode()
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    confused = jwt.utils.base64url_encode(hmac.sign(f"{swapped}.{body}".encode(), theirs.public_pem)).decode()
    for token in (
        jwt.encode(claims, "", "none"),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        f"{swapped}.{body}.{confused}",
        jwt.encode(claims, b"\0\0\0" * 12, "HS256", headers={"kid": "1"}),
        jwt.encode(claims, foreign, "RS256", headers={"kid": "1"}),
        jwt.encode(claims, foreign, "RS256", headers={"kid": "1", "jku": "http://127.0.0.1/"}),
        jwt.encode(claims, theirs.keys["RS256"], "RS256", headers={"kid": "unknown"}),
        jwt.encode(claims, theirs.keys["ES256"], "ES256", headers={"alg": "ES256", "kid": ""}),
        "not.a.token",
        "",
    ):
        theirs.token = token
        with pytest.raises(WrongCredentials):
            await person(ours, theirs)
    theirs.token = good
    assert await person(ours, theirs) == "10086"


async def test_a_key_that_is_new_at_the_provider_is_asked_for_but_not_all_the_time(
    ours: Provider, theirs: oidc.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await person(ours, theirs)
    theirs.kid = "2"
    asked = theirs.asked.count("/jwks")
    for _ in range(3):
        with pytest.raises(WrongCredentials):
            await person(ours, theirs)
    assert theirs.asked.count("/jwks") == asked
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.0)
    assert await person(ours, theirs) == "10086"
    assert theirs.asked.count("/jwks") == asked + 1


@pytest.mark.parametrize("how", ["huge", "redirect", "broken", "text", "list", "deep", "slow", "dribble"])
@pytest.mark.parametrize("where", ["/.well-known/openid-configuration", "/jwks", "/token"])
async def test_what_is_not_an_answer_is_unavailable(
    settings: Settings, theirs: oidc.Provider, monkeypatch: pytest.MonkeyPatch, how: str, where: str
) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 0.3)
    ours, theirs.misbehave = Provider(known_to(settings, theirs)), {where: how}
    with pytest.raises(Unavailable) as error:
        await person(ours, theirs)
    assert "OpenID provider" in error.value.detail
    assert theirs.asked.count(where) >= 1
    await ours.close()


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://elsewhere.test"}, {"issuer": None}, {"token_endpoint": None}, {"jwks_uri": 7},
        {"token_endpoint": "file:///etc/passwd"}, {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)  # fmt: skip
async def test_a_provider_that_describes_itself_wrong_is_not_used(
    ours: Provider, theirs: oidc.Provider, described: dict[str, Any]
) -> None:
    theirs.described = described
    with pytest.raises(Unavailable):
        await ours.address("state", NONCE, VERIFIER)


async def test_one_behind_tls_cannot_name_endpoints_without(
    settings: Settings, theirs: oidc.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Provider(msgspec.structs.replace(known_to(settings, theirs), oidc_issuer="https://elsewhere.test"))
    monkeypatch.setattr(ours, "_call", lambda *_: answer(theirs))
    with pytest.raises(Unavailable, match="safe"):
        await ours.address("state", NONCE, VERIFIER)
    await ours.close()


async def answer(theirs: oidc.Provider) -> tuple[int, bytes]:
    """The description of a provider behind TLS whose endpoints are not."""
    return 200, msgspec.json.encode({**theirs._description(), "issuer": "https://elsewhere.test"})


async def test_nobody_there(settings: Settings) -> None:
    gone = oidc.Provider()
    gone._socket.close()
    ours = Provider(known_to(settings, gone))
    with pytest.raises(Unavailable, match="does not answer"):
        await ours.address("state", NONCE, VERIFIER)
    await ours.close()
