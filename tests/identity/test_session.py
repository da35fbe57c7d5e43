"""Sessions are listed for the one whose they are, and ended for nobody else."""

from uuid import UUID, uuid4

import pytest

from identity import principal, session
from identity.session import SessionCursor, Subject
from kernel.errors import NotFound
from kernel.security.scope import Principal, Scope
from kernel.store.database import Tx

ANNA = Subject("staff", "anna")


def scope(current: UUID) -> Scope:
    return Scope(principal=Principal(audience="staff", subject="anna", session_id=current, device_id="d"))


async def opened(tx: Tx, subject: str = "anna", seconds: int = 60) -> UUID:
    return await principal.open_session(tx, "staff", subject, [], "d", seconds)


async def test_a_list_goes_on_after_the_last_of_the_page(tx: Tx) -> None:
    ids = [await opened(tx) for _ in range(3)]
    await opened(tx, "bert")
    await opened(tx, seconds=0)
    first = await session.list_open(tx, scope(ids[1]), ANNA, SessionCursor(), 2)
    rest = await session.list_open(tx, scope(ids[1]), ANNA, SessionCursor(first[-1].id), 2)
    assert [one.id for one in first + rest] == ids[::-1]
    assert [one.current for one in first + rest] == [False, True, False]


async def test_one_ends_ones_own_alone(tx: Tx) -> None:
    own, other = await opened(tx), await opened(tx, "bert")
    for foreign in (other, uuid4()):
        with pytest.raises(NotFound):
            await session.end(tx, ANNA, foreign, "why")
    await session.end(tx, ANNA, own, "why")
    assert await principal.ended(tx, [own, other]) == {own}


async def test_all_are_ended_at_once(tx: Tx) -> None:
    own, other = {await opened(tx) for _ in range(3)}, await opened(tx, "bert")
    assert await session.end_all(tx, ANNA, "why") == 3
    assert await session.end_all(tx, ANNA, "why") == 0
    assert await principal.ended(tx, [*own, other]) == own


async def test_who_is_not_there_is_not_found(tx: Tx) -> None:
    for whose in (ANNA, Subject("investor", "66")):
        with pytest.raises(NotFound):
            await session.check_subject(tx, scope(uuid4()), whose)
