"""Access tokens (EdDSA, bound to an audience) and the sessions behind them: token in, `Principal` out."""

import asyncio
import base64
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args
from uuid import UUID

import jwt
import uuid_utils.compat as uuid
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from identity import permission
from identity.permission import Holder
from kernel.errors import InvalidInput, NotFound, NotSignedIn, SessionOver, TokenExpired
from kernel.events.outbox import Record, emit
from kernel.security.scope import Audience, Principal
from kernel.settings import Settings
from kernel.settings.keys import key
from kernel.store.database import Database, Tx
from kernel.store.sql import load
from kernel.telemetry import logs
from mobile_contracts.event import Event, OrganisationChanged, PersonChanged, RolesChanged, SessionEnded

ISSUER = "hexad"
LEEWAY_SECONDS = 30
"""How far the clocks of our hosts may be apart: a token of one that is ahead is good on the others."""

REMEMBERED_SECONDS = 5
"""How long a verified token is believed without looking at its session: revocation takes effect within this time."""

LOOK_SECONDS = 2.0
"""How often everybody who is remembered is looked at together, so that nobody has to be asked about alone."""

_REMEMBERED_AT_MOST = 20_000
_log = logs.logger(__name__)
_TOKEN_AT_MOST = 4096
_sql = load(Path(__file__).with_name("principal.sql"))


class Tokens:
    """Signs and verifies access tokens with one Ed25519 key."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when HEXAD_TOKEN_KEY is missing or not 32 bytes in base64."""
        self._key = Ed25519PrivateKey.from_private_bytes(key("HEXAD_TOKEN_KEY", settings.token_key))
        self._public = self._key.public_key()
        self._seconds = settings.token_seconds

    @property
    def public_key(self) -> dict[str, str]:
        """The public key as a JWK (RFC 8037), for whoever verifies our tokens."""
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA"}

    def issue(self, audience: Audience, subject: str, session_id: UUID, at: int | None = None) -> str:
        """An access token for `token_seconds` from `at` (Unix seconds; null: now); of the same second, the same."""
        at = int(time.time()) if at is None else at
        claims = {"iss": ISSUER, "aud": audience, "sub": subject, "sid": str(session_id), "iat": at}
        return jwt.encode({**claims, "exp": at + self._seconds}, self._key, algorithm="EdDSA")

    def verify(self, token: str, audiences: tuple[Audience, ...]) -> tuple[UUID, float]:
        """Session and expiry (Unix seconds) of a token; raises `TokenExpired`, or `NotSignedIn` for any other."""
        if len(token) > _TOKEN_AT_MOST:
            raise NotSignedIn
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                audience=audiences,
                issuer=ISSUER,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "sub", "sid"]},
            )
            return UUID(claims["sid"]), float(claims["exp"])
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise NotSignedIn from error


class Identities:
    """Turns tokens into principals and remembers them; `watch` keeps what is remembered true, all of it at once."""

    def __init__(self, tokens: Tokens, database: Database) -> None:
        self._tokens, self._database = tokens, database
        self._remembered: OrderedDict[tuple[str, tuple[Audience, ...]], tuple[float, float, Principal]] = OrderedDict()
        self._looked, self._mark, self._forgotten, self._blind = 0.0, "", 0, False

    async def of(self, token: str, *audiences: Audience) -> tuple[Principal, float]:
        """The principal behind a token for one of the audiences, and the token's expiry (Unix seconds).

        Raises `NotSignedIn` when the token is not valid here, `TokenExpired`, or `SessionOver`.
        """
        key, now = (token, audiences), time.time()
        session_id: UUID | None = None
        if known := self._remembered.pop(key, None):
            until, expires, principal = known
            if now < min(expires, max(until, self._looked + REMEMBERED_SECONDS)):
                self._remembered[key] = known
                return principal, expires
            if now < expires:
                session_id = principal.session_id  # the token is good until then; only its session is asked about
        if session_id is None:
            session_id, expires = self._tokens.verify(token, audiences)
        forgotten = self._forgotten
        async with self._database.transaction() as tx:
            principal = await find(tx, session_id)
        if principal.audience not in audiences:
            raise NotSignedIn
        if forgotten == self._forgotten:  # else what was found may be from before that
            self._remember(key, min(expires, now + REMEMBERED_SECONDS), expires, principal)
        return principal, expires

    async def watch(self) -> NoReturn:
        """Looks again and again; while PostgreSQL is away, each is asked about alone after `REMEMBERED_SECONDS`."""
        while True:
            try:
                async with asyncio.timeout(REMEMBERED_SECONDS):
                    await self.look()
                self._blind = False
            except Exception:  # noqa: BLE001  # whatever it is, what is remembered must be looked at again
                if not self._blind:
                    _log.warning("who is signed in cannot be looked at together", exc_info=True)
                self._blind = True
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Forgets whose session has ended, and everybody when anything that permissions are made of was written."""
        began = time.time()
        sessions = {principal.session_id for _, _, principal in self._remembered.values()}
        async with self._database.transaction() as tx:
            over, seen = await ended(tx, list(sessions)), await mark(tx)
        if seen != self._mark:
            self._mark = seen
            self._forget(lambda _: True)
        elif over:
            self._forget(lambda one: one.session_id in over)
        self._looked = began

    def heard(self, event: Event | None) -> None:
        """What the bus says: forgets principals whom it concerns, and all of them after a time of silence."""
        match event:
            case None | OrganisationChanged() | RolesChanged():
                self._forget(lambda _: True)
            case SessionEnded(session_id=session_id):
                self._forget(lambda one: one.session_id == session_id)
            case PersonChanged(employee_no=employee_no):
                self._forget(lambda one: one.audience == "staff" and one.subject == employee_no)
            case _:
                pass

    def _remember(self, key: tuple[str, tuple[Audience, ...]], until: float, expires: float, one: Principal) -> None:
        self._remembered[key] = (until, expires, one)
        while len(self._remembered) > _REMEMBERED_AT_MOST:
            self._remembered.popitem(last=False)

    def _forget(self, concerned: Callable[[Principal], bool]) -> None:
        self._forgotten += 1
        for known in [known for known, (*_, one) in self._remembered.items() if concerned(one)]:
            del self._remembered[known]


async def find(tx: Tx, session_id: UUID) -> Principal:
    """The principal of a session that is in force; raises `SessionOver` otherwise, also for an employee who left."""
    found = await find_many(tx, [session_id])
    if session_id not in found:
        raise SessionOver
    return found[session_id]


async def find_many(tx: Tx, session_ids: Sequence[UUID]) -> dict[UUID, Principal]:
    """The principals of those sessions that are in force, all by the same few questions."""
    rows: list[Any] = await _sql.find(tx, session_ids=list(session_ids))
    holders = [Holder(row["audience"], row["subject"], row["roles"], row["employee"], row["unit_id"]) for row in rows]
    permissions = await permission.of_many(tx, holders)
    return {
        row["id"]: Principal(
            audience=row["audience"],
            subject=row["subject"],
            session_id=row["id"],
            device_id=row["device_id"],
            permissions=allowed,
            employee=row["employee"],
        )
        for row, allowed in zip(rows, permissions, strict=True)
    }


async def mark(tx: Tx) -> str:
    """Another one whenever anything was written of which the permissions of staff are made, and each day."""
    return str(await _sql.mark(tx))


async def role_mark(tx: Tx) -> str:
    """Another one whenever it was changed what roles give."""
    return str(await _sql.role_mark(tx))


async def ended(tx: Tx, session_ids: list[UUID]) -> set[UUID]:
    """Those of the sessions that were revoked, expired, never were, or whose employee has left."""
    return {row[0] for row in await _sql.ended(tx, session_ids=session_ids)}


async def end_session(tx: Tx, session_id: UUID, reason: str) -> None:
    """Revokes a session; one that has ended already stays as it is, and one that never was raises `NotFound`."""
    ended_now = await _sql.end(tx, id=session_id)
    if ended_now is None:
        raise NotFound
    if ended_now:
        what = Record(action="session.end", noun="session", noun_id=str(session_id), reason=reason)
        await emit(tx, SessionEnded(session_id=session_id), what)


async def open_session(
    tx: Tx, audience: Audience, subject: str, roles: list[str], device_id: str, seconds: int
) -> UUID:
    """Opens a session of at most `seconds`; raises `InvalidInput` for an unknown audience or role."""
    if audience not in get_args(Audience):
        raise InvalidInput(f"no such audience: {audience}")
    unknown = set(roles) - set(await _sql.roles(tx))
    if unknown:
        raise InvalidInput(f"no such role: {', '.join(sorted(unknown))}")
    session_id = uuid.uuid7()
    await _sql.add(
        tx, id=session_id, audience=audience, subject=subject, roles=roles, device_id=device_id, seconds=float(seconds)
    )
    return session_id
