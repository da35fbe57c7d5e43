"""Invariants 1 to 4: people speak over two nodes while nodes, PostgreSQL and sockets are killed, stopped and cut.

HEXAD_FAULT_MESSAGES sets how many each phone sends (40 by default), HEXAD_FAULT_CLIENTS how many reconnect at once (200
by default, the long form is 2,000), HEXAD_FAULT_SEED repeats a run.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from identity.principal import Tokens, open_session
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokerage import Brokerage
from tests.faults.phone import Phone
from tests.faults.stand import Stand
from tests.faults.test_storm import crash_postgres, kill_postmaster

MESSAGES = int(os.environ.get("HEXAD_FAULT_MESSAGES", "40"))
CLIENTS = int(os.environ.get("HEXAD_FAULT_CLIENTS", "200"))
SEED = int(os.environ.get("HEXAD_FAULT_SEED", str(random.randrange(10**6))))
PAIRS, RECOVERY_SECONDS = 4, 60.0
NODES = ("serve realtime", "serve realtime#2")


class Talk:
    """Pairs of an investor and a broker with a conversation each, and their phones."""

    def __init__(self, stand: Stand, settings: list[Settings]) -> None:
        self.stand, self.settings = stand, settings
        self.phones: list[Phone] = []
        self.chance = random.Random(SEED)
        self.addresses = [f"127.0.0.1:{one.realtime_port}" for one in settings]

    async def pairs(self, count: int, devices: int) -> None:
        """Makes so many pairs; the investor has so many devices."""
        database = await Database.open(self.stand.settings.database_url, self.stand.settings, size=1)
        house = Brokerage(database, self.stand.settings)
        await house.unit("region", "north")
        await house.unit("branch", "b1", "north")
        for number in range(count):
            await house.employee(f"10{number:04}", "b1", "broker")
            await house.customer(f"88{number:06}", "b1", brokers=[f"10{number:04}"])
        async with database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            for number in range(count):
                await self._pair(tx, house, number, devices)
        await database.close()

    async def _pair(self, tx: object, house: Brokerage, number: int, devices: int) -> None:
        conversation, broker, customer = UUID(int=number + 1), f"10{number:04}", f"88{number:06}"
        await tx.execute(  # type: ignore[attr-defined]
            "insert into conversation (id, customer_id, branch_id, employee_id, state)"
            " values ($1, $2, $3, $4, 'assigned')",
            conversation, house.customers[customer], house.units["b1"], house.employees[broker],
        )  # fmt: skip
        sides = (("staff", broker, house.employees[broker]), ("investor", customer, house.customers[customer]))
        for kind, no, person in sides:
            await tx.execute(  # type: ignore[attr-defined]
                "insert into participant (conversation_id, kind, person_id, no, name) values ($1, $2, $3, $4, $4)",
                conversation, kind, person, no,
            )  # fmt: skip
            for _ in range(devices if kind == "investor" else 1):
                audience, roles = ("staff", []) if kind == "staff" else ("investor", ["investor"])
                session = await open_session(tx, audience, no, roles, "d", 3600)  # type: ignore[arg-type]
                token = Tokens(self.stand.settings).issue(audience, no, session)  # type: ignore[arg-type]
                self.phones.append(Phone(token, str(conversation), self.addresses, self.chance.randrange(10**6)))

    async def all_said(self) -> bool:
        """Whether nothing waits in any phone."""
        return not any(phone.waiting for phone in self.phones)

    async def all_seen(self) -> bool:
        """Whether every phone has everything that is stored of its conversation."""
        heads = await self.heads()
        return all(phone.seq == heads.get(phone.conversation, 0) for phone in self.phones)

    async def heads(self) -> dict[str, int]:
        """The newest seq of each conversation."""
        return {str(row["conversation_id"]): row["seq"] for row in (await self.messages())[::-1]}

    async def messages(self) -> list[dict[str, Any]]:
        """Everything that is stored, the newest of each conversation first."""
        async with self.stand.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            rows = await tx.fetch("select conversation_id, seq, id, client_id from message order by 1, 2 desc")
        return [dict(row) for row in rows]


@pytest.fixture
async def talk(stand: Stand) -> Talk:
    """Two nodes that serve."""
    settings = [
        msgspec.structs.replace(stand.settings, realtime_port=stand.free_port(), sockets_per_address=10_000)
        for _ in NODES
    ]
    for node, own in zip(NODES, settings, strict=True):
        stand.start(node, settings=own)
    return Talk(stand, settings)


async def kill_node(talk: Talk) -> None:
    """Kill -9 of a node in whatever it is doing."""
    process = talk.stand.processes[talk.chance.choice(NODES)]
    await asyncio.to_thread(process.kill)
    await asyncio.sleep(talk.chance.uniform(0, 1))
    process.start()


async def stop_node(talk: Talk) -> None:
    """SIGSTOP, perhaps between a lock and a commit; other nodes must not wait for it for ever."""
    process = talk.stand.processes[talk.chance.choice(NODES)]
    os.kill(process.pid, signal.SIGSTOP)
    await asyncio.sleep(talk.chance.uniform(1, 4))
    os.kill(process.pid, signal.SIGCONT)


async def crash(talk: Talk) -> None:
    """An immediate stop of PostgreSQL."""
    await asyncio.to_thread(crash_postgres, talk.stand)


async def kill_database(talk: Talk) -> None:
    """Kill -9 of PostgreSQL's main process."""
    await asyncio.to_thread(kill_postmaster, talk.stand)


async def cut_sockets(talk: Talk) -> None:
    """Every phone goes through a tunnel, before or after `accepted`."""
    for _ in range(5):
        for phone in talk.phones:
            if talk.chance.random() < 0.5:
                phone.cut()
        await asyncio.sleep(talk.chance.uniform(0.1, 0.5))


FAULTS: list[Callable[[Talk], Awaitable[None]]] = [kill_node, stop_node, crash, kill_database, cut_sockets]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["pgmq"], indirect=True)
async def test_nothing_accepted_is_lost_doubled_or_out_of_order_whatever_is_killed(talk: Talk) -> None:
    await talk.pairs(PAIRS, devices=2)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        living = [group.create_task(phone.live()) for phone in talk.phones]
        speaking = group.create_task(_speak(talk))
        for fault in talk.chance.sample(FAULTS, len(FAULTS)):
            await asyncio.sleep(talk.chance.uniform(0.2, 1))
            await fault(talk)
        await speaking
        last = time.monotonic()
        await talk.stand.until(RECOVERY_SECONDS, "everything said", talk.all_said)
        await talk.stand.until(RECOVERY_SECONDS, "everything seen by everybody", talk.all_seen)
        recovered = time.monotonic() - last
        for task in living:
            task.cancel()
    stored = await talk.messages()
    connections = sum(phone.connections for phone in talk.phones)
    print(
        f"\n{len(stored)} messages of {len(talk.phones)} phones over {connections} connections in"
        f" {time.monotonic() - began:.0f} s with {len(FAULTS)} kinds of faults, all seen {recovered:.1f} s after the"
        f" last was written; seed {SEED}"
    )
    assert [phone.faults for phone in talk.phones if phone.faults] == []
    by_client = {str(one["client_id"]): (str(one["id"]), one["seq"]) for one in stored}
    accepted = {client: place for phone in talk.phones for client, place in phone.stored.items()}
    assert accepted == by_client
    assert len(stored) == MESSAGES * len(talk.phones)
    for conversation in {str(one["conversation_id"]) for one in stored}:
        seqs = sorted(int(str(one["seq"])) for one in stored if str(one["conversation_id"]) == conversation)
        assert seqs == list(range(1, len(seqs) + 1))


async def _speak(talk: Talk) -> None:
    """Everybody says something now and then."""
    for number in range(MESSAGES):
        for phone in talk.phones:
            phone.say(f"第{number}句")
        await asyncio.sleep(0.2)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stand", ["pgmq"], indirect=True)
async def test_when_many_reconnect_at_once_everybody_recovers_everything(talk: Talk) -> None:
    await talk.pairs(CLIENTS // 2, devices=1)
    async with asyncio.TaskGroup() as group:
        living = [group.create_task(phone.live()) for phone in talk.phones]
        for phone in talk.phones:
            phone.say("早上好")
        await talk.stand.until(RECOVERY_SECONDS, "everybody is there", talk.all_said)
        await asyncio.to_thread(talk.stand.processes[NODES[0]].kill)
        await asyncio.to_thread(talk.stand.processes[NODES[1]].kill)
        for phone in talk.phones:
            phone.say("还在吗")
        await asyncio.to_thread(crash_postgres, talk.stand)
        for node in NODES:
            talk.stand.processes[node].start()
        took = await talk.stand.until(RECOVERY_SECONDS, "everything said", talk.all_said)
        took += await talk.stand.until(RECOVERY_SECONDS, "everything seen", talk.all_seen)
        for task in living:
            task.cancel()
    print(f"\n{len(talk.phones)} phones recovered {took:.1f} s after both nodes and PostgreSQL had died; seed {SEED}")
    assert [phone.faults for phone in talk.phones if phone.faults] == []
    assert len(await talk.messages()) == 2 * len(talk.phones)
