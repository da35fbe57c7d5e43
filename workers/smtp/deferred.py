"""E-mails that a relay put off: they wait in a table, sealed, so that they hold no place in a queue meanwhile.

Any sender offers what is due. Who dies at it is held to be lost when its lease ends, and the next one takes over.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed
from kernel.queues.client import UNREADABLE
from kernel.security.crypto import Fields, Place
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.messaging.outbound import Email


class Due(Struct, frozen=True):
    """One whose time has come."""

    id: UUID
    sealed: bytes


_sql = load(Path(__file__).with_name("deferred.sql"), Due)


async def put(tx: Tx, fields: Fields, emails: Sequence[Email], again_in: Sequence[float]) -> None:
    """Keeps each for so many seconds, but not longer than it is good; what waits already waits until then."""
    await _sql.put(
        tx, ids=[one.id for one in emails], attempts=[one.attempt for one in emails],
        sealed=_sealed(fields, emails), again_in=list(again_in), expire=[one.expires_at for one in emails],
    )  # fmt: skip


async def renew(tx: Tx, fields: Fields, emails: Sequence[Email]) -> set[UUID]:
    """Those that wait already, by id; each is known in its newest attempt from now on."""
    rows = await _sql.renew(
        tx, ids=[one.id for one in emails], attempts=[one.attempt for one in emails], sealed=_sealed(fields, emails)
    )
    return {row["id"] for row in rows}


async def claim(tx: Tx, lease: float, at_most: int) -> list[Due]:
    """What is due and in nobody's hands; it is the caller's for `lease` seconds."""
    due: list[Due] = await _sql.claim(tx, lease=lease, size=at_most)
    return due


async def remove(tx: Tx, ids: Sequence[UUID]) -> None:
    """They are done with."""
    await _sql.remove(tx, ids=list(ids))


async def count(tx: Tx) -> int:
    """How many wait."""
    return int(await _sql.count(tx))


def opened(fields: Fields, due: Due) -> Email | None:
    """The message, null when nobody can read it any more."""
    try:
        return msgspec.json.decode(fields.open(due.sealed, _place(due.id)), type=Email)
    except (FieldSealed, *UNREADABLE):
        return None


def _sealed(fields: Fields, emails: Sequence[Email]) -> list[bytes]:
    return [fields.seal(msgspec.json.encode(one).decode(), _place(one.id)) for one in emails]


def _place(message_id: UUID) -> Place:
    return Place("email_deferred", "sealed", str(message_id))
