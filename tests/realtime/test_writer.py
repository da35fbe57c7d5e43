"""Messages of many share transactions, and what is wrong with one harms that one alone."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from centers.service.rules import Person, Refused, Said, Stored, Wanted
from hexad.embedded import Postgres
from kernel.database import Database
from kernel.errors import Unavailable
from kernel.scope import apply_system
from kernel.settings import Settings
from realtime import writer
from realtime.writer import Writer
from tests.brokerage import Brokerage, small

BROKER = "1001"


class Bench:
    """A writer on a brokerage with one conversation of each of two customers."""

    def __init__(self, house: Brokerage) -> None:
        self.house, self.given = house, list[Said]()
        self.writer = Writer(house.database, self.given.append)
        self.broker = Person("staff", house.employees[BROKER], BROKER, "员工")
        self.conversations = [UUID(int=1), UUID(int=2)]

    async def build(self) -> None:
        for conversation, no in zip(self.conversations, ("88000001", "88000002"), strict=True):
            await self.house.execute(
                "insert into conversation (id, customer_id, branch_id, employee_id, state)"
                " values ($1, $2, $3, $4, 'assigned')",
                conversation, self.house.customers[no], self.house.units["b1"], self.broker.id,
            )  # fmt: skip

    def put(self, conversation: UUID, client: int, body: str = "您好") -> "asyncio.Future[Stored | Refused]":
        """Puts a message in the line and gives what becomes of it."""
        decided: asyncio.Future[Stored | Refused] = asyncio.get_running_loop().create_future()
        wanted = Wanted(conversation, self.broker, UUID(int=client), UUID(int=1000 + client), "text", body)
        self.writer.put(wanted, decided.set_result)
        return decided


@pytest.fixture
async def bench(database: Database, own_settings: Settings) -> AsyncIterator[Bench]:
    """A writer that runs."""
    made = Bench(await small(database, own_settings))
    await made.build()
    running = asyncio.create_task(made.writer.run())
    yield made
    running.cancel()


def seq(outcome: Stored | Refused) -> int | str:
    return outcome.said.seq if isinstance(outcome, Stored) else outcome.code


async def test_what_waits_together_shares_a_transaction_and_is_given_in_order(bench: Bench) -> None:
    one, other = bench.conversations
    outcomes = await asyncio.gather(*(bench.put(one if n % 2 else other, n) for n in range(100)))
    assert [seq(outcome) for outcome in outcomes] == [n // 2 + 1 for n in range(100)]
    assert [said.seq for said in bench.given if said.conversation_id == one] == list(range(1, 51))
    async with bench.house.database.transaction() as tx:
        await apply_system(tx, "test", kind="company")
        assert await tx.fetchval("select count(distinct (xmin::text, at)) from message") < 100
        assert await tx.fetchval("select count(distinct xmin::text) from message") == 1


async def test_one_that_postgresql_refuses_harms_itself_alone(bench: Bench) -> None:
    one, other = bench.conversations
    bad = "x" * 4001
    outcomes = await asyncio.gather(
        *(bench.put(one, n, bad if n == 3 else "好") for n in range(7)), bench.put(other, 9)
    )
    assert [seq(outcome) for outcome in outcomes] == [1, 2, 3, "unavailable", 4, 5, 6, 1]


async def test_a_conversation_that_somebody_holds_waits_alone(bench: Bench) -> None:
    one, other = bench.conversations
    async with bench.house.database.transaction() as holder:
        await apply_system(holder, "test", kind="company")
        await holder.execute("select from conversation where id = $1 for update", one)
        waiting = bench.put(one, 1)
        assert seq(await asyncio.wait_for(bench.put(other, 2), 3)) == 1
        assert not waiting.done()
    assert seq(await asyncio.wait_for(waiting, 3)) == 1


async def test_one_that_waits_too_long_is_told_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 0.3)
    async with bench.house.database.transaction() as holder:
        await apply_system(holder, "test", kind="company")
        await holder.execute("select from conversation where id = $1 for update", bench.conversations[0])
        assert seq(await bench.put(bench.conversations[0], 1)) == "unavailable"
    assert seq(await bench.put(bench.conversations[0], 1)) == 1, "the same again"


async def test_the_line_has_an_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "WAITING_AT_MOST", 3)
    waiting = [bench.put(bench.conversations[0], n) for n in range(3)]
    with pytest.raises(Unavailable):
        bench.put(bench.conversations[0], 4)
    assert [seq(one) for one in await asyncio.gather(*waiting)] == [1, 2, 3]


async def test_while_postgresql_is_away_messages_wait(bench: Bench, postgres: Postgres) -> None:
    assert seq(await bench.put(bench.conversations[0], 1)) == 1
    await asyncio.to_thread(postgres.stop, "immediate")
    try:
        waiting = bench.put(bench.conversations[0], 2)
        await asyncio.sleep(0.5)
        assert not waiting.done()
    finally:
        await asyncio.to_thread(postgres.start)
    assert seq(await asyncio.wait_for(waiting, 10)) == 2


async def test_a_holder_that_stops_in_the_middle_loses_its_locks(bench: Bench, own_settings: Settings) -> None:
    from centers.service import message

    stopped = await asyncpg.connect(own_settings.database_url)
    await stopped.execute("begin")
    await apply_system(stopped, "chat", kind="company")
    await message.store(stopped, [Wanted(bench.conversations[0], bench.broker, UUID(int=7), UUID(int=8), "text", "停")])
    assert seq(await asyncio.wait_for(bench.put(bench.conversations[0], 1), 10)) == 1
    stopped.terminate()
