"""Credentials: the hash of a password, and the key of an authenticator; a new one forgives what was wrong before."""

from pathlib import Path

from msgspec import Struct

from identity import attempt
from kernel.security.crypto import Fields, Place
from kernel.security.scope import Audience
from kernel.store.database import Tx
from kernel.store.sql import load


class Credential(Struct, frozen=True):
    """How somebody proves who they are; without a password they wait for their activation. `totp` is sealed."""

    password: str | None = None
    totp: bytes | None = None
    totp_used: int = 0


NONE = Credential()
_sql = load(Path(__file__).with_name("credential.sql"), Credential)


async def accept(
    tx: Tx,
    audience: Audience,
    subject: str,
    verified: str | None = None,
    step: int | None = None,
    rehashed: str | None = None,
) -> bool:
    """Uses a time step of the authenticator up; false when it was used before, or a later one.

    False as well when the password is no longer the one that was verified (null: none was).
    """
    accepted = await _sql.accept(
        tx, audience=audience, subject=subject, verified=verified, step=step, rehashed=rehashed
    )
    return accepted is not None


async def find(tx: Tx, audience: Audience, subject: str) -> Credential:
    """The credential of one person, `NONE` before there is one."""
    return await _sql.find(tx, audience=audience, subject=subject) or NONE


async def set_password(tx: Tx, audience: Audience, subject: str, before: str | None, password: str) -> bool:
    """Sets a password that was hashed, and unlocks; false when the one before is no longer that."""
    done = await _sql.set_password(tx, audience=audience, subject=subject, before=before, password=password)
    if done is not None:
        await attempt.unlock(tx, audience, subject)
    return done is not None


async def activate(tx: Tx, audience: Audience, subject: str, password: str, totp: bytes) -> None:
    """Sets password and authenticator anew, and unlocks."""
    await _sql.activate(tx, audience=audience, subject=subject, password=password, totp=totp)
    await attempt.unlock(tx, audience, subject)


async def clear(tx: Tx, audience: Audience, subject: str) -> None:
    """Takes password and authenticator away, and unlocks: an activation is the only way in."""
    await _sql.clear(tx, audience=audience, subject=subject)
    await attempt.unlock(tx, audience, subject)


def seal_totp(fields: Fields, audience: Audience, subject: str, secret: str) -> bytes:
    """The key of an authenticator as the database keeps it."""
    return fields.seal(secret, _place(audience, subject))


def open_totp(fields: Fields, audience: Audience, subject: str, sealed: bytes | None) -> str | None:
    """The key of an authenticator in base32."""
    return None if sealed is None else fields.open(sealed, _place(audience, subject))


def _place(audience: Audience, subject: str) -> Place:
    return Place("credential", "totp", f"{audience}:{subject}")
