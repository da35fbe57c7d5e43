"""`hexad bench code`: how long a code by SMS takes from its request to the outbound queue while everything else hangs.

A broadcast is on its way, the advisory platform takes connections and never answers, and a mail relay answers every
recipient with 421, all at the same time, on each broker.
"""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import uuid_utils.compat as uuid
from msgspec import Struct

from api.auth.code import Codes, Destination, Owner
from bench import brokerage, fanout, servers
from bench.brokerage import Tell
from bench.figures import Asked, Machine, machine
from hexad import keys
from kernel.crypto import BlindIndex, Fields
from kernel.database import Database
from kernel.errors import Unavailable
from kernel.outbox import emit
from kernel.queues import Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.scope import apply_system
from kernel.settings import Settings
from mobile_contracts.event import AdvisoryDue, CodeWanted
from mobile_contracts.outbound import Email
from notifications.code import QUEUE

Say = Callable[[str], None]
_MOST_MS = 2000.0
_PATIENCE = 120.0
_MAIL = Queue("outbound.email.service.main")
_HUNG_CALLS = 40


class Parameters(Struct, frozen=True):
    """What is measured: so many codes, a few a second, beside so many messages by SMS and by e-mail."""

    codes: int
    every: float
    messages: int
    mails: int
    broker_url: str
    without_pgmq: bool = False


class Waited(Struct, frozen=True):
    """Codes on one broker: milliseconds from the request to the outbound queue, and what went on meanwhile."""

    broker: str
    codes: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    messages_left: int
    hung_calls: int
    refused_mails: int

    def line(self) -> str:
        """For a terminal."""
        return (
            f"{self.broker:10}{self.codes:6,} codes: p50 {self.p50_ms:,.0f} ms, p99 {self.p99_ms:,.0f} ms, longest"
            f" {self.longest_ms:,.0f} ms; beside {self.messages_left:,} messages still on their way,"
            f" {self.hung_calls} calls that hung, {self.refused_mails:,} answers 421"
        )


class Report(Struct, frozen=True):
    """All that one run says."""

    machine: Machine
    parameters: Parameters
    runs: list[Waited]
    asked: list[Asked]

    def lines(self) -> list[str]:
        """For a terminal: every figure, then what is asked of them."""
        return [*[one.line() for one in self.runs], "", *[one.line() for one in self.asked]]


class Hindrance:
    """Two servers of nobody: a platform that never answers, and a relay that answers each recipient with 421."""

    def __init__(self) -> None:
        self.hung, self.refused = 0, 0

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[tuple[int, int]]:
        """Their ports."""
        platform = await asyncio.start_server(self._hang, "127.0.0.1", 0)
        relay = await asyncio.start_server(self._refuse, "127.0.0.1", 0)
        try:
            yield platform.sockets[0].getsockname()[1], relay.sockets[0].getsockname()[1]
        finally:
            platform.close()
            relay.close()

    async def _hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hung += 1
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"220 nobody\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                self.refused += verb == b"RCPT"
                writer.write(_ANSWERS.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    break
        writer.close()


_ANSWERS = {b"RCPT": b"421 4.7.0 not now\r\n", b"EHLO": b"250-nobody\r\n250 8BITMIME\r\n", b"QUIT": b"221 bye\r\n"}


def run(given: Parameters, folder: Path | None, say: Say, tell: Tell) -> Report:
    """Everything on a PostgreSQL of its own; raises `Unavailable` when a broker does not answer or a code is lost."""
    with contextlib.ExitStack() as held:
        place = (folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hexad-bench-")))).resolve()
        keys.make(place)
        server = brokerage.started(place)
        held.callback(server.stop)
        base = fanout.settings_of(place)
        name = asyncio.run(brokerage.filled(server, base, given.messages, tell))
        own = msgspec.structs.replace(
            base, database_url=server.url("hexad_app", name), owner_url=server.url("hexad_owner", name)
        )
        asyncio.run(fanout.number(server, name, own))
        runs = []
        for broker, chosen in fanout.brokers(given.broker_url, own, without_pgmq=given.without_pgmq):
            with chosen as on:
                runs.append(asyncio.run(_measured(given, on, broker)))
                say(runs[-1].line())
        shown = msgspec.structs.replace(given, broker_url="")
        return Report(machine(server.psql("-c", "show server_version")), shown, runs, judged(runs))


def judged(runs: list[Waited]) -> list[Asked]:
    """What is asked of each figure."""
    return [
        Asked(f"{one.broker}: p99 of a code in ms", f"at most {_MOST_MS:g}", one.p99_ms, one.p99_ms, one.longest_ms,
              reached=one.p99_ms <= _MOST_MS)
        for one in runs
    ]  # fmt: skip


async def _measured(given: Parameters, own: Settings, broker: str) -> Waited:
    hindrance = Hindrance()
    async with hindrance.standing() as (platform, relay):
        hindered = msgspec.structs.replace(
            own, advisory_url=f"http://127.0.0.1:{platform}", smtp_host="127.0.0.1", smtp_port=relay, smtp_tls="never",
        )  # fmt: skip
        with contextlib.ExitStack() as processes:
            for start in (servers.worker, servers.relay, servers.gateway, servers.mail):
                await asyncio.to_thread(processes.enter_context, start(hindered))
            async with fanout.database(hindered) as database, open_queues(hindered) as queues:
                await _burden(given, database, queues)
                took = await _waits(given, hindered, database, queues)
                left = await _left(database)
            await asyncio.to_thread(processes.close)
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return Waited(
        broker, len(took), round(cuts[49], 1), round(cuts[98], 1), round(max(took), 1), left, hindrance.hung,
        hindrance.refused,
    )  # fmt: skip


async def _burden(given: Parameters, database: Database, queues: Queues) -> None:
    """What the codes have to get past."""
    await fanout.start(database, given.messages)
    async with database.transaction() as tx:
        for _ in range(_HUNG_CALLS):
            await emit(tx, AdvisoryDue())
    now = datetime.now(UTC)
    await queues.publish(_MAIL, [
        Message(msgspec.json.encode(
            Email(id=id_, purpose="service", to=f"somebody{number}@example.com", from_address="service@example.com",
                  reply_to=None, subject="words", text="words", html="<p>words</p>", headers={}, created_at=now,
                  expires_at=now + timedelta(hours=1), attempt=1)), id=str(id_))
        for number, id_ in enumerate(uuid.uuid7() for _ in range(given.mails))
    ])  # fmt: skip


async def _waits(given: Parameters, own: Settings, database: Database, queues: Queues) -> list[float]:
    """Milliseconds that each code took; every one has to come."""
    asked: dict[str, float] = {}
    came: dict[str, float] = {}
    taking = asyncio.create_task(_take(queues, came))
    codes, index = Codes(own, Fields(own)), BlindIndex(own)
    for number in range(given.codes):
        began, mobile = time.monotonic(), f"+86139{number:08}"
        owner = msgspec.convert(
            {"purpose": "sign_in", "audience": "investor", "subject": f"nobody{number}", "device_id": "d"}, Owner
        )
        async with database.transaction() as tx:
            asker = codes.asker("stranger", owner.subject, "d", "127.0.0.1")
            code_id, _ = await codes.make(tx, owner, asker, Destination(mobile, index.of("mobile", mobile)))
            await emit(tx, CodeWanted(code_id=code_id))
        asked[str(code_id)] = began
        await asyncio.sleep(max(0.0, began + given.every - time.monotonic()))
    until = time.monotonic() + _PATIENCE
    while asked.keys() - came.keys():
        if time.monotonic() > until or taking.done():
            raise Unavailable(f"{len(asked.keys() - came.keys())} codes did not come within {_PATIENCE:.0f} s")
        await asyncio.sleep(0.05)
    taking.cancel()
    await asyncio.wait([taking])
    return [(came[id_] - began) * 1000 for id_, began in asked.items()]


async def _take(queues: Queues, came: dict[str, float]) -> None:
    while True:
        taken = await queues.take(QUEUE, 100, lease=30, wait=0.5)
        for delivery in taken:
            came.setdefault(msgspec.json.decode(delivery.body)["id"], time.monotonic())
        await queues.acknowledge(taken)


async def _left(database: Database) -> int:
    async with database.transaction() as tx:
        await apply_system(tx, "bench", kind="company")
        return int(await tx.fetchval("select count(*) from outgoing where state in ('queued', 'sending', 'sent')"))
