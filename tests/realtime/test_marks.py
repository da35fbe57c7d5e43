"""Marks of many are kept together, the furthest of each."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from centers.service import message
from centers.service.conversation_rules import Person, Wanted
from kernel.errors import Unavailable
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from mobile_contracts.event import Marked
from mobile_contracts.frame import Delivered, Read
from realtime import marks as marks_module
from realtime.gossip import Gossip
from realtime.marks import Marks
from tests.brokerage import small

CONVERSATION, NODE = UUID(int=1), UUID(int=9)


class Told:
    """Keeps who is told of which mark."""

    def __init__(self) -> None:
        self.marks: list[tuple[Marked, Sequence[Any]]] = []

    def marked(self, mark: Marked, but: Sequence[Any] = ()) -> None:
        self.marks.append((mark, list(but)))


@pytest.fixture
async def broker(database: Database, own_settings: Settings) -> Person:
    """A broker to whom an investor has said three things."""
    house = await small(database, own_settings)
    broker = Person("staff", house.employees["1001"], "1001", "员工")
    investor = Person("investor", house.customers["88000001"], "88000001", "王一")
    async with database.transaction() as tx:
        await apply_system(tx, "chat", kind="company")
        await tx.execute(
            "insert into conversation (id, customer_id, branch_id, employee_id, state)"
            " values ($1, $2, $3, $4, 'assigned')",
            CONVERSATION, investor.id, house.units["b1"], broker.id,
        )  # fmt: skip
        for who in (broker, investor):
            await tx.execute(
                "insert into participant (conversation_id, kind, person_id, no, name) values ($1, $2, $3, $4, $5)",
                CONVERSATION, who.kind, who.id, who.no, who.name,
            )  # fmt: skip
        said = [Wanted(CONVERSATION, investor, UUID(int=n), UUID(int=50 + n), "text", "您好") for n in range(3)]
        await message.store(tx, said)
    return broker


async def test_the_furthest_of_what_was_said_is_kept_and_told_once(database: Database, broker: Person) -> None:
    told = Told()
    marks = Marks(database, NODE, told, Gossip(None))  # type: ignore[arg-type]
    one, other = object(), object()
    for seq in (1, 3, 2):
        marks.put(one, broker, Delivered(CONVERSATION, seq))  # type: ignore[arg-type]
    marks.put(other, broker, Read(CONVERSATION, 1))  # type: ignore[arg-type]
    running = asyncio.create_task(marks.run())
    async with asyncio.timeout(60):
        while not told.marks:
            await asyncio.sleep(0.01)
    ((mark, but),) = told.marks
    assert mark == Marked(NODE, CONVERSATION, "1001", 3, 1)
    assert but == [], "neither of them knows all of it"
    marks.put(one, broker, Read(CONVERSATION, 1))  # type: ignore[arg-type]
    marks.put(one, broker, Read(CONVERSATION, 2))  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        while len(told.marks) < 2:
            await asyncio.sleep(0.01)
    assert told.marks[1][0].read_seq == 2
    assert told.marks[1][1] == []
    marks.put(one, broker, Read(CONVERSATION, 3))  # type: ignore[arg-type]
    async with asyncio.timeout(60):
        while len(told.marks) < 3:
            await asyncio.sleep(0.01)
    assert told.marks[2][1] == [one], "who said all of it is not told"
    running.cancel()


async def kept(database: Database, delivered: int, read: int) -> None:
    """Waits until these marks are stored."""
    async with asyncio.timeout(60):
        while True:
            async with database.transaction() as tx:
                await apply_system(tx, "test", kind="company")
                row = await tx.fetchrow("select delivered_seq, read_seq from participant where kind = 'staff'")
            if row is not None and tuple(row) == (delivered, read):
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "error", [Unavailable(), TimeoutError(), asyncpg.DeadlockDetectedError("x"), asyncpg.LockNotAvailableError("x")]
)
async def test_what_could_not_be_kept_is_taken_again_beside_what_was_said_meanwhile(
    database: Database, broker: Person, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    asked, failing = asyncio.Event(), asyncio.Event()
    store = message.mark

    async def hangs(tx: Tx, progress: Sequence[message.Progress]) -> list[message.Mark]:
        monkeypatch.setattr(message, "mark", store)
        asked.set()
        await failing.wait()
        raise error

    monkeypatch.setattr(message, "mark", hangs)
    monkeypatch.setattr(marks_module, "TRY_AGAIN_SECONDS", 0.01)
    marks = Marks(database, NODE, Told(), Gossip(None))  # type: ignore[arg-type]
    running = asyncio.create_task(marks.run())
    phone = object()
    marks.put(phone, broker, Read(CONVERSATION, 2))  # type: ignore[arg-type]
    await asyncio.wait_for(asked.wait(), 60)
    marks.put(phone, broker, Delivered(CONVERSATION, 3))  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(marks.settled(), 0.1)
    failing.set()
    await kept(database, 3, 2)
    await asyncio.wait_for(marks.settled(), 60)
    running.cancel()


async def test_one_that_will_never_be_kept_does_not_stop_the_others(database: Database, broker: Person) -> None:
    marks = Marks(database, NODE, Told(), Gossip(None))  # type: ignore[arg-type]
    for number in range(3):
        marks.put(object(), Person("staff", 2**40 + number, f"{number}", "谁"), Read(CONVERSATION, 1))  # type: ignore[arg-type]
    marks.put(object(), broker, Read(CONVERSATION, 2))  # type: ignore[arg-type]
    running = asyncio.create_task(marks.run())
    await kept(database, 2, 2)
    await asyncio.wait_for(marks.settled(), 60)
    problem = str(marks.failing.problem())
    assert problem.count(f"staff in {CONVERSATION}: ") == 1, "one line for the three, none of them names anybody"
    assert "all" not in problem
    running.cancel()
