"""Messages and marks of many people, stored in one transaction; and messages read again."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from centers.service import conversation_list, conversation_rules
from centers.service.conversation_rules import Known, Outcome, Person, Reader, Said, Standing, Stored, Wanted
from kernel.errors import NotFound
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.frame import History

LAST_SEQ = 2**53 - 1


class Mark(Struct, frozen=True):
    """How far somebody has got."""

    conversation_id: UUID
    kind: conversation_rules.PartyKind
    no: str
    delivered_seq: int
    read_seq: int


class Progress(Struct, frozen=True):
    """How far somebody says to have got in a conversation; 0 says nothing."""

    conversation_id: UUID
    who: Person
    delivered: int = 0
    read: int = 0


_sql = load(Path(__file__).with_name("message.sql"), Known, Mark, Said, Standing)


async def store(tx: Tx, wanted: Sequence[Wanted]) -> list[Outcome]:
    """Stores what may be stored and gives what became of each, in their order; waits for no lock.

    The message is the record of itself: nobody can change it, so it has no audit row and no event.
    """
    ids = sorted({one.conversation_id for one in wanted})
    standings = {one.id: one for one in await _sql.lock(tx, ids=ids)}
    missing = [one for one in ids if one not in standings]
    held = frozenset(await _sql.held(tx, ids=missing)) if missing else frozenset()
    known = await _sql.known(
        tx,
        conversation_ids=[one.conversation_id for one in wanted],
        client_ids=[one.client_id for one in wanted],
    )
    outcomes = conversation_rules.decide(wanted, standings, known, held)
    await _add(tx, [one.said for one in outcomes if isinstance(one, Stored) and one.new])
    return outcomes


async def mark(tx: Tx, progress: Sequence[Progress]) -> list[Mark]:
    """Raises marks, never above the last message, and gives those that rose."""
    marks: list[Mark] = await _sql.mark(
        tx,
        conversation_ids=[one.conversation_id for one in progress],
        kinds=[one.who.kind for one in progress],
        person_ids=[one.who.id for one in progress],
        delivered=[one.delivered for one in progress],
        read=[one.read for one in progress],
    )
    return marks


async def missed(tx: Tx, since: dict[UUID, int], size: int) -> list[Said]:
    """Of each conversation the first `size` messages after a seq, in order of seq."""
    messages: list[Said] = await _sql.missed(tx, ids=list(since), seqs=list(since.values()), size=size)
    return messages


async def history(
    tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID, before: int | None, limit: int
) -> History:
    """The newest messages before a seq, in order of seq; raises `NotFound` for a conversation of others.

    Whoever had it before reads what was said until then, of customers whom they reach.
    """
    try:
        until = (await conversation_list.find(tx, scope, reader, conversation_id)).last_seq
    except NotFound:
        until = await conversation_list.had_until(tx, scope, reader, conversation_id)
    rows = await _sql.page(
        tx, conversation_id=conversation_id, before=min(before or LAST_SEQ, until + 1), size=limit + 1
    )
    shown = [conversation_rules.frame(one, own=reader.said(one)) for one in reversed(rows[:limit])]
    return History(conversation_id, shown, more=len(rows) > limit)


async def _add(tx: Tx, said: Sequence[Said]) -> None:
    if not said:
        return
    await _sql.add(
        tx,
        conversation_ids=[one.conversation_id for one in said],
        seqs=[one.seq for one in said],
        ids=[one.message_id for one in said],
        sender_kinds=[one.sender_kind for one in said],
        sender_ids=[one.sender_id for one in said],
        client_ids=[one.client_id for one in said],
        kinds=[one.kind for one in said],
        bodies=[one.body for one in said],
        ats=[one.at for one in said],
    )
