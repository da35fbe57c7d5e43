"""A token opens exactly what it was issued for, while its session is in force; anything else is `NotSignedIn`."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from identity import principal as identity
from identity.principal import Identities, Tokens
from kernel.errors import InvalidInput, Misconfigured, NotFound, NotSignedIn, TokenExpired
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.event import (
    Event,
    OrganisationChanged,
    PersonChanged,
    RolesChanged,
    SessionEnded,
    TokenIssued,
)

SESSION = uuid4()


@pytest.fixture
def tokens(settings: Settings) -> Tokens:
    """Signs with the key of this run."""
    return Tokens(settings)


def key_of(settings: Settings) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.token_key))


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    right = {"iss": "hexad", "aud": "staff", "sub": "1", "sid": str(SESSION), "iat": now, "exp": now + 60}
    return {name: value for name, value in {**right, **changed}.items() if value is not None}


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(NotSignedIn) as error:
        tokens.verify(token, ("staff",))
    assert str(error.value) == NotSignedIn().title


def test_a_token_opens_its_audience(tokens: Tokens) -> None:
    before = time.time()
    session_id, expires = tokens.verify(tokens.issue("staff", "1", SESSION), ("staff", "gateway"))
    assert session_id == SESSION
    assert before + 599 <= expires <= time.time() + 600


@pytest.mark.parametrize(("ahead", "good"), [(3, True), (25, True), (-25, True), (45, False), (-45, False)])
def test_a_token_of_a_host_whose_clock_differs_a_little_is_good(
    settings: Settings, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, *, ahead: int, good: bool
) -> None:
    now = time.time()
    own = msgspec.structs.replace(settings, token_seconds=30)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(time, "time", lambda: now + (ahead if ahead > 0 else ahead - 30))
        token = Tokens(own).issue("staff", "1", SESSION)
    if good:
        assert tokens.verify(token, ("staff",))[0] == SESSION
    else:
        with pytest.raises((NotSignedIn, TokenExpired)):
            tokens.verify(token, ("staff",))


def test_what_is_signed_right_and_says_wrong_is_refused(settings: Settings, tokens: Tokens) -> None:
    signing = key_of(settings)
    assert tokens.verify(jwt.encode(claims(), signing, "EdDSA"), ("staff",))[0] == SESSION
    now = int(time.time())
    for wrong in ({"aud": "investor"}, {"aud": None}, {"iss": "other"}, {"iss": None}, {"exp": None},
                  {"iat": None}, {"iat": now + 3600}, {"nbf": now + 3600}, {"sid": None}, {"sid": "x"}, {"sid": ["x"]},
                  {"sid": 7}, {"sub": None}, {"exp": "soon"}, {"exp": 10**400}, {"aud": {"a": 1}}):  # fmt: skip
        refused(tokens, jwt.encode(claims(**wrong), signing, "EdDSA"))
    with pytest.raises(TokenExpired):
        tokens.verify(jwt.encode(claims(exp=now - 40), signing, "EdDSA"), ("staff",))


def test_no_algorithm_and_other_algorithms_are_refused(settings: Settings, tokens: Tokens) -> None:
    body, public = part(claims()), tokens._public.public_bytes_raw()
    for algorithm in ("none", "None", "NONE", ""):
        for signature in ("", part(b"x" * 64)):
            refused(tokens, f"{part({'alg': algorithm, 'typ': 'JWT'})}.{body}.{signature}")
    pem = base64.b64decode(settings.token_key)
    for secret in (public, pem, base64.urlsafe_b64encode(public), json.dumps(tokens.public_key).encode()):
        head = part({"alg": "HS256", "typ": "JWT"})
        made = hmac.digest(secret, f"{head}.{body}".encode(), hashlib.sha256)
        refused(tokens, f"{head}.{body}.{part(made)}")


def test_a_foreign_key_even_one_it_brings_itself_is_refused(tokens: Tokens) -> None:
    foreign = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": part(foreign.public_key().public_bytes_raw())}
    for headers in ({}, {"jwk": jwk}, {"kid": "../../etc/passwd"}, {"x5u": "http://127.0.0.1/"}):
        refused(tokens, jwt.encode(claims(), foreign, "EdDSA", headers=headers))


def test_a_character_changed_anywhere_is_refused(tokens: Tokens) -> None:
    token = tokens.issue("staff", "1", SESSION)
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        refused(tokens, f"{token[:place]}{other}{token[place + 1 :]}")


@given(st.text(max_size=200) | st.binary(max_size=60).map(part) | st.just("." * 100) | st.just("a" * 10_000))
def test_junk_is_refused(text: str) -> None:
    refused(Tokens(_ANY), text)


_ANY = msgspec.structs.replace(Settings(), token_key=base64.b64encode(b"k" * 32).decode())


def test_a_giant_token_is_refused_before_it_is_read(tokens: Tokens, settings: Settings) -> None:
    giant = jwt.encode(claims(more="x" * 5_000_000), key_of(settings), "EdDSA")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("it was read"))
        refused(tokens, giant)


@pytest.mark.parametrize("wrong", ["", "short", "é", base64.b64encode(b"x" * 31).decode(), "A" * 44])
def test_a_wrong_key_names_the_variable(settings: Settings, wrong: str) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_TOKEN_KEY"):
        Tokens(msgspec.structs.replace(settings, token_key=wrong))


async def open_session(database: Database, seconds: int = 60, roles: tuple[str, ...] = ("administrator",)) -> UUID:
    async with database.transaction() as tx:
        return await identity.open_session(tx, "staff", "1", list(roles), "d1", seconds)


async def test_a_principal_has_the_permissions_of_its_roles(database: Database, tokens: Tokens) -> None:
    session_id = await open_session(database)
    principal, _ = await Identities(tokens, database).of(tokens.issue("staff", "1", session_id), "staff")
    assert (principal.name, principal.device_id, principal.session_id) == ("staff:1", "d1", session_id)
    assert {"calendar.read", "calendar.change"} <= principal.permissions.keys()
    plain = await open_session(database, roles=())
    principal, _ = await Identities(tokens, database).of(tokens.issue("staff", "1", plain), "staff")
    assert dict(principal.permissions) == {}


async def test_a_revoked_session_ends_within_five_seconds(
    database: Database, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await open_session(database)
    token, identities, clock = tokens.issue("staff", "1", session_id), Identities(tokens, database), time.time
    await identities.of(token, "staff")
    async with database.transaction() as tx:
        await tx.execute("update session set revoked_at = now() where id = $1", session_id)
        assert await identity.ended(tx, [session_id, uuid4()]) >= {session_id}
    monkeypatch.setattr(time, "time", lambda: clock() + 4.5)
    await identities.of(token, "staff")  # still remembered
    monkeypatch.setattr(time, "time", lambda: clock() + 5.0)
    with pytest.raises(NotSignedIn):
        await identities.of(token, "staff")


async def test_a_session_that_was_ended_is_forgotten_as_soon_as_the_bus_says_so(
    database: Database, tokens: Tokens
) -> None:
    ended, other, identities = await open_session(database), await open_session(database), Identities(tokens, database)
    token, kept = tokens.issue("staff", "1", ended), tokens.issue("staff", "1", other)
    for one in (token, kept):
        await identities.of(one, "staff")
    async with database.transaction() as tx:
        await identity.end_session(tx, ended, "the phone was lost")
        await identity.end_session(tx, ended, "once more")
        with pytest.raises(NotFound):
            await identity.end_session(tx, uuid4(), "never was")
        assert await tx.fetchval("select count(*) from audit where action = 'session.end'") == 1
        assert await tx.fetchval("select count(*) from outbox where kind = 'SessionEnded'") == 1
    identities.heard(SessionEnded(session_id=ended))
    await identities.of(kept, "staff")
    with pytest.raises(NotSignedIn):
        await identities.of(token, "staff")


async def test_after_a_time_without_the_bus_everybody_is_asked_about_again(database: Database, tokens: Tokens) -> None:
    session_id, identities = await open_session(database), Identities(tokens, database)
    token = tokens.issue("staff", "1", session_id)
    await identities.of(token, "staff")
    async with database.transaction() as tx:
        await identity.end_session(tx, session_id, "the phone was lost")
    identities.heard(None)
    with pytest.raises(NotSignedIn):
        await identities.of(token, "staff")


@pytest.mark.parametrize(
    ("event", "forgotten"),
    [
        (PersonChanged(employee_no="1"), {"staff:1"}),
        (OrganisationChanged(), {"staff:1", "staff:2", "gateway:1"}),
        (RolesChanged(), {"staff:1", "staff:2", "gateway:1"}),
        (TokenIssued(session_id=SESSION), set()),
    ],
)
async def test_whoever_a_change_concerns_is_asked_about_again(
    database: Database, tokens: Tokens, event: Event, forgotten: set[str]
) -> None:
    identities, told = Identities(tokens, database), dict[str, tuple[Audience, str]]()
    subjects: list[tuple[Audience, str]] = [("staff", "1"), ("staff", "2"), ("gateway", "1")]
    async with database.transaction() as tx:
        for audience, subject in subjects:
            session_id = await identity.open_session(tx, audience, subject, [], "d1", 60)
            told[f"{audience}:{subject}"] = audience, tokens.issue(audience, subject, session_id)
    for audience, token in told.values():
        await identities.of(token, audience)
    async with database.transaction() as tx:
        await tx.execute("update session set roles = '{broker}'")
    identities.heard(event)
    anew = {name for name, (audience, token) in told.items() if (await identities.of(token, audience))[0].permissions}
    assert anew == forgotten


async def test_the_sessions_of_who_left_have_ended(tx: Tx) -> None:
    await tx.execute(
        "insert into employee (employee_no, name, unit_id, position, hired_on, left_on, source, digest)"
        " select no, no, unit.id, 'broker', '2020-01-01', current_date + days, 'hr', ''"
        " from unit, (values ('gone', 0), ('leaves', 1), ('stays', null)) as one (no, days) where kind = 'company'"
    )
    people = {
        name: await identity.open_session(tx, "staff", name, [], "d1", 60) for name in ("gone", "leaves", "stays")
    }
    investor = await identity.open_session(tx, "investor", "gone", [], "d1", 60)
    assert await identity.ended(tx, [*people.values(), investor]) == {people["gone"]}
    with pytest.raises(NotSignedIn):
        await identity.find(tx, people["gone"])


async def test_a_remembered_token_does_not_outlive_itself(
    settings: Settings, database: Database, tokens: Tokens
) -> None:
    session_id = await open_session(database)
    token = jwt.encode(claims(sid=str(session_id), exp=int(time.time()) + 2), key_of(settings), "EdDSA")
    identities = Identities(tokens, database)
    _, expires = await identities.of(token, "staff")
    until, _, _ = next(iter(identities._remembered.values()))
    assert until == expires


async def test_sessions_that_ended_or_never_were_open_nothing(database: Database, tokens: Tokens) -> None:
    identities = Identities(tokens, database)
    for session_id in (uuid4(), await open_session(database, seconds=0)):
        with pytest.raises(NotSignedIn):
            await identities.of(tokens.issue("staff", "1", session_id), "staff")


async def test_a_session_of_one_audience_is_none_of_another(database: Database, tokens: Tokens) -> None:
    session_id = await open_session(database)
    identities = Identities(tokens, database)
    with pytest.raises(NotSignedIn):
        await identities.of(tokens.issue("investor", "1", session_id), "investor")
    await identities.of(tokens.issue("staff", "1", session_id), "staff", "investor")
    with pytest.raises(NotSignedIn):
        await identities.of(tokens.issue("staff", "1", session_id), "investor")


async def test_unknown_roles_and_audiences_are_refused(tx: Tx) -> None:
    with pytest.raises(InvalidInput, match="king"):
        await identity.open_session(tx, "staff", "1", ["broker", "king"], "", 60)
    with pytest.raises(InvalidInput, match="public"):
        await identity.open_session(tx, "public", "1", [], "", 60)  # type: ignore[arg-type]


async def test_what_is_remembered_is_bounded(
    database: Database, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "_REMEMBERED_AT_MOST", 3)
    session_id, identities = await open_session(database), Identities(tokens, database)
    made = [jwt.encode(claims(sid=str(session_id), n=n), tokens._key, "EdDSA") for n in range(6)]
    await asyncio.gather(*(identities.of(token, "staff") for token in made))
    assert len(identities._remembered) == 3


async def test_whoever_is_looked_at_is_not_asked_about_alone(
    database: Database, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities, clock, asked = Identities(tokens, database), time.time, 0
    await identities.look()
    ended, other = [tokens.issue("staff", "1", await open_session(database)) for _ in range(2)]
    for token in (ended, other):
        await identities.of(token, "staff")

    async def find(tx: Tx, session_id: UUID) -> Any:
        nonlocal asked
        asked += 1
        raise NotSignedIn

    monkeypatch.setattr(identity, "find", find)
    monkeypatch.setattr(time, "time", lambda: clock() + 8)
    session_id, _ = tokens.verify(ended, ("staff",))
    async with database.transaction() as tx:
        await tx.execute("update session set revoked_at = now() where id = $1", session_id)
    await identities.look()
    await identities.of(other, "staff")
    assert asked == 0
    with pytest.raises(NotSignedIn):
        await identities.of(ended, "staff")
    assert asked == 1


@pytest.mark.parametrize(
    "change",
    [
        "insert into role (code, name_zh, name_en, scope) values ('new', '新', 'new', 'own')",
        "delete from role_permission where role = 'broker' and permission = 'customer.read'",
        "update unit set name = '总部' where kind = 'company'",
        "insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)"
        " select 'new', 'new', id, 'broker', '2020-01-01', 'hr', '' from unit where kind = 'company'",
    ],
)
async def test_when_what_permissions_are_made_of_is_written_all_are_asked_about_again(
    database: Database, tokens: Tokens, change: str
) -> None:
    identities, token = Identities(tokens, database), tokens.issue("staff", "1", await open_session(database))
    await identities.look()
    before, _ = await identities.of(token, "staff")
    await identities.look()
    assert (await identities.of(token, "staff"))[0] is before
    async with database.transaction() as tx:
        await tx.execute("select set_config('hexad.scope', 'company', true)")
        await tx.execute(change)
    await identities.look()
    assert (await identities.of(token, "staff"))[0] is not before


async def test_what_was_found_before_a_change_is_not_remembered_after_it(
    database: Database, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities, token = Identities(tokens, database), tokens.issue("staff", "1", await open_session(database))

    async def find(tx: Tx, session_id: UUID) -> Any:
        found = await found_now(tx, session_id)
        identities.heard(RolesChanged())
        return found

    found_now = identity.find
    monkeypatch.setattr(identity, "find", find)
    before, _ = await identities.of(token, "staff")
    monkeypatch.setattr(identity, "find", found_now)
    assert (await identities.of(token, "staff"))[0] is not before


async def test_it_looks_again_after_a_failure(
    database: Database, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities, looks = Identities(tokens, database), asyncio.Queue[None]()
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.0)

    async def look() -> None:
        looks.put_nowait(None)
        raise OSError

    monkeypatch.setattr(identities, "look", look)
    watching = asyncio.create_task(identities.watch())
    async with asyncio.timeout(60):
        for _ in range(3):
            await looks.get()
    watching.cancel()
