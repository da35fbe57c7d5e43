"""Messages of many share transactions, and what is wrong with one harms that one alone."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import asyncpg
import pytest

from centers.service import message
from centers.service.conversation_rules import Outcome, Person, Refused, Said, Stored, Wanted
from hexad.embedded import Postgres
from kernel.errors import Unavailable
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database, Tx
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
async def bench(database: Database, own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A writer that runs, and has all the patience that a slow machine needs."""
    monkeypatch.setattr(writer, "PATIENCE", 60.0)
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
    assert f"a message in {one}: " in str(bench.writer.failing.problem())


async def test_a_conversation_that_somebody_holds_waits_alone(bench: Bench) -> None:
    one, other = bench.conversations
    async with bench.house.database.transaction() as holder:
        await apply_system(holder, "test", kind="company")
        await holder.execute("select from conversation where id = $1 for update", one)
        waiting = bench.put(one, 1)
        assert seq(await asyncio.wait_for(bench.put(other, 2), 30)) == 1
        assert not waiting.done()
    assert seq(await asyncio.wait_for(waiting, 30)) == 1


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
    assert seq(await asyncio.wait_for(waiting, 30)) == 2


@pytest.mark.parametrize("waiting", [1, 7, 30])
async def test_after_a_long_outage_all_are_answered_though_nobody_writes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    monkeypatch.setattr(writer, "BATCH", 4)
    monkeypatch.setattr(writer, "PATIENCE", 0.2)
    monkeypatch.setattr(writer, "_AWAY_PAUSE", 0.01)
    back = asyncio.Event()
    store = message.store

    async def away(tx: Tx, wanted: Sequence[Wanted]) -> list[Outcome]:
        if back.is_set():
            return await store(tx, wanted)
        raise Unavailable

    monkeypatch.setattr(message, "store", away)
    asked = [bench.put(bench.conversations[0], n) for n in range(waiting)]
    assert {seq(one) for one in await asyncio.wait_for(asyncio.gather(*asked), 60)} == {"unavailable"}
    monkeypatch.setattr(writer, "PATIENCE", 60.0)
    asked = [bench.put(bench.conversations[0], n) for n in range(waiting)]
    back.set()
    outcomes = await asyncio.wait_for(asyncio.gather(*asked), 20)
    assert [seq(one) for one in outcomes] == list(range(1, waiting + 1))


async def test_while_postgresql_has_stopped_one_is_told_in_time_and_what_was_stored_is_given(
    bench: Bench, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 0.3)
    conversation = bench.conversations[0]
    assert seq(await bench.put(conversation, 1)) == 1
    other = await asyncpg.connect(own_settings.database_url)
    backends = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    stopped = [row[0] for row in await other.fetch(backends)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert seq(await asyncio.wait_for(bench.put(conversation, 2), 30)) == "unavailable"
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    monkeypatch.setattr(writer, "PATIENCE", 60.0)
    assert seq(await asyncio.wait_for(bench.put(conversation, 2), 30)) == 2, "the same again"
    assert [said.seq for said in bench.given] == [1, 2], "whether it was told or not"
    await other.close()


async def test_while_nothing_is_under_way_one_is_stored_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SPACING", 3600.0)
    monkeypatch.setattr(writer, "SPACING_EACH", 0.0001)
    for number in range(1, 6):
        assert seq(await asyncio.wait_for(bench.put(bench.conversations[0], number), 30)) == number


async def test_a_few_are_stored_side_by_side_but_never_two_of_one_conversation(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = bench.conversations
    store, go, batches = message.store, asyncio.Event(), list[list[UUID]]()

    async def slow(tx: Tx, wanted: Sequence[Wanted]) -> list[Outcome]:
        batches.append([item.client_id for item in wanted])
        if len(batches) == 1:
            await go.wait()
        return await store(tx, wanted)

    monkeypatch.setattr(message, "store", slow)
    first = bench.put(one, 1)
    while not batches:
        await asyncio.sleep(0.001)
    second, aside = bench.put(one, 2), bench.put(other, 3)
    assert seq(await asyncio.wait_for(aside, 30)) == 1, "it does not wait for another conversation"
    assert not second.done()
    many = [bench.put(other, 10 + n) for n in range(writer.FEW + 1)]
    await asyncio.sleep(0.05)
    assert len(batches) == 2, "many wait for one batch of their own"
    go.set()
    assert [seq(await asyncio.wait_for(each, 30)) for each in (first, second)] == [1, 2]
    assert [seq(each) for each in await asyncio.gather(*many)] == list(range(2, writer.FEW + 3))
    assert batches[2] == [UUID(int=2), *(UUID(int=10 + n) for n in range(writer.FEW + 1))]


async def test_large_batches_let_the_next_one_gather(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SPACING", 3600.0)
    monkeypatch.setattr(writer, "SPACING_EACH", 1.0)
    asked = [bench.put(bench.conversations[0], n) for n in range(2)]
    await asyncio.wait_for(asyncio.gather(*asked), 60)
    later = bench.put(bench.conversations[0], 3)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(later), 0.5)
    assert seq(await asyncio.wait_for(later, 30)) == 3


async def test_a_holder_that_stops_in_the_middle_loses_its_locks(bench: Bench, own_settings: Settings) -> None:
    stopped = await asyncpg.connect(own_settings.database_url)
    await stopped.execute("begin")
    await apply_system(stopped, "chat", kind="company")
    await message.store(stopped, [Wanted(bench.conversations[0], bench.broker, UUID(int=7), UUID(int=8), "text", "停")])
    assert seq(await asyncio.wait_for(bench.put(bench.conversations[0], 1), 30)) == 1
    stopped.terminate()
