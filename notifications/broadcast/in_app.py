"""Messages inside the app (站内信) of a broadcast: each is a notice under its own id, delivered in one transaction."""

from pathlib import Path
from uuid import UUID

from msgspec import Struct

from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.messaging.template import Language
from notifications.broadcast.composing import Ending
from notifications.broadcast.dispatch import Open, end, unsuited
from notifications.consent import consent
from notifications.template import limits
from notifications.template.rendering import one_line
from notifications.template.words import Words


class Waiting(Struct, frozen=True):
    """A message that is given as a notice."""

    id: UUID
    customer_id: int
    customer_no: str
    name: str
    language: Language


_sql = load(Path(__file__).with_name("in_app.sql"), Waiting)


async def give(tx: Tx, words: Words, one: Open, size: int) -> int:
    """Gives up to `size` notices of a broadcast, whose readers hear of them at once; gives the number of people."""
    if one.purpose != "transactional":
        await consent.wait_for_withdrawals(tx)
    waiting: list[Waiting] = await _sql.claim(tx, broadcast_id=one.id, size=size)
    if not waiting:
        return 0
    endings = await unsuited(tx, one, {row.id: row.customer_id for row in waiting})
    for row in await _sql.look(tx, ids=[row.id for row in waiting]):
        endings.setdefault(row["id"], Ending("skipped", row["reason"]))
    rendered, texts = await words.of(tx, one, "in_app"), list[list[str]]()
    going, found = list[Waiting](), len(waiting)
    for row in waiting:
        said = rendered[row.language].of(one_line(row.name))
        if row.id not in endings and limits.fault("in_app", said):
            endings[row.id] = Ending("skipped", "too_long")
        if row.id not in endings:
            going.append(row)
            texts.append(said)
    await end(tx, endings)
    await _sql.give(
        tx, ids=[row.id for row in going], subjects=[row.customer_no for row in going],
        titles=[title for title, _ in texts], bodies=[body for _, body in texts], kind=one.kind,
        link=await words.link(tx, one),
    )  # fmt: skip
    return found
