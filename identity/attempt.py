"""Attempts to prove who one is, counted where they come from: an owner on a known device is not locked by strangers.

One counts before it is looked at, so that many at once gain nothing: for a minute, and longer when it was wrong. The
fifth in a row locks for a minute, each later one for twice as long, up to an hour; success begins anew. See
docs/decisions/0021-strangers-count-apart.md.
"""

from pathlib import Path
from typing import Literal
from uuid import UUID

import uuid_utils.compat as uuid
from msgspec import Struct

from identity import turn
from kernel.errors import RateLimited
from kernel.security.scope import Audience
from kernel.store.database import Tx
from kernel.store.sql import load

STRANGERS = 100
"""Wrong passwords of strangers for one person in a day, after which one a minute is looked at."""

Proof = Literal["password", "code", "activation", "single_sign_on"]
_sql = load(Path(__file__).with_name("attempt.sql"))


class Origin(Struct, frozen=True):
    """Where an attempt comes from: `address` is null on a known device, `device_id` empty where it tells nothing."""

    proof: Proof
    address: str | None
    device_id: str = ""

    @classmethod
    def of(cls, proof: Proof, address: str, device_id: str, *, known: bool) -> "Origin":
        """A code is bound to its device, known or not; of passwords, strangers' devices say what they like."""
        bound = known or proof == "code"
        return cls(proof, None if known else address, device_id if bound else "")


class Attempt(Struct, frozen=True):
    """One attempt at somebody (empty: nobody known); `open` unless it is not looked at, being locked."""

    id: UUID
    audience: Audience
    subject: str
    origin: Origin
    open: bool


async def begin(tx: Tx, origin: Origin, audience: Audience, subject: str, most: int) -> Attempt:
    """Counts an attempt; raises `RateLimited` when `most` of 10 minutes from the address did not succeed.

    An attempt that neither fails nor succeeds, because we could not look at it, counts no more after a minute.
    """
    person = f"sign in {audience}:{subject}"
    await turn.wait(
        tx, [f"{person} {origin.device_id}"] if origin.address is None else [f"sign in {origin.address}", person]
    )
    wait: float | None = await _sql.wait(tx, address=origin.address, most=most)
    if wait is not None:
        # raised by: strangers, refused alone: from a known device there is no address to be counted
        raise RateLimited(wait)
    attempt_id = uuid.uuid7()
    is_open: bool = await _sql.begin(
        tx, id=attempt_id, audience=audience, subject=subject, proof=origin.proof, address=origin.address,
        device_id=origin.device_id,
        strangers=STRANGERS if origin.proof == "password" and origin.address is not None else None,
    )  # fmt: skip
    return Attempt(attempt_id, audience, subject, origin, is_open and subject != "")


async def fail(tx: Tx, attempt: Attempt) -> None:
    """It was wrong, or was not looked at."""
    await _sql.fail(tx, id=attempt.id)


async def forgive(tx: Tx, attempt: Attempt) -> None:
    """It succeeded: it counts no more, nor does what was wrong before it from there."""
    origin = attempt.origin
    await _sql.forgive(
        tx, id=attempt.id, audience=attempt.audience, subject=attempt.subject, address=origin.address,
        device_id=origin.device_id,
    )  # fmt: skip


async def forgive_one(tx: Tx, attempt: Attempt) -> None:
    """Takes one more attempt at nobody known back from where this one came: the first half of what succeeded."""
    await _sql.forgive_one(tx, address=attempt.origin.address)


async def unlock(tx: Tx, audience: Audience, subject: str) -> None:
    """Forgets every attempt at somebody, from wherever it came."""
    await _sql.unlock(tx, audience=audience, subject=subject)
