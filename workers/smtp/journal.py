"""What became of each e-mail, kept beyond the life of the process: what the relay answered for is not sent again."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from kernel.schema import retention
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.messaging.outbound import Email, ReceiptStatus

_CHUNK = 5000


class Attempt(Struct, frozen=True):
    """What is known of a message: `status` is null while undecided, `unanswered` counts tries that may have sent it."""

    id: UUID
    attempt: int
    tries: int
    unanswered: int
    status: str | None
    code: str
    gateway_id: str
    again_at: datetime | None


class Ending(Struct, frozen=True):
    """How a try ended: with a status for good, or without one, to be tried again in `again_in` seconds.

    Not `answered` when the relay may have heard of the content and its answer never came, or when nothing was begun.
    """

    id: UUID
    status: ReceiptStatus | None
    code: str
    gateway_id: str = ""
    again_in: float | None = None
    repeated: bool = False
    answered: bool = True


_sql = load(Path(__file__).with_name("journal.sql"), Attempt)


async def known(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Attempt]:
    """What is known of these messages, by id."""
    found: list[Attempt] = await _sql.known(tx, ids=ids)
    return {one.id: one for one in found}


async def begin(tx: Tx, emails: Sequence[Email]) -> None:
    """Notes that a try begins, before the relay hears of it; the ids are different ones."""
    await _sql.begin(tx, ids=[one.id for one in emails], attempts=[one.attempt for one in emails])


async def end(tx: Tx, endings: Sequence[Ending]) -> None:
    """Notes how tries ended."""
    await _sql.end(
        tx,
        ids=[one.id for one in endings],
        statuses=[one.status for one in endings],
        codes=[one.code for one in endings],
        gateway_ids=[one.gateway_id for one in endings],
        again_in=[one.again_in for one in endings],
        answered=[int(one.answered) for one in endings],
    )


async def forget(tx: Tx) -> bool:
    """Forgets a part of what has outlived its window; whether there may be more."""
    return bool(await _sql.forget(tx, window=retention.window("email_attempt"), size=_CHUNK) == _CHUNK)
