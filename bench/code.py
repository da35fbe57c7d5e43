"""`hexad bench code`: how long a code by SMS takes from its HTTP request to the outbound queue beside what hangs.

A broadcast is on its way, the advisory platform takes connections and never answers, and a mail relay answers every
recipient with 421, all at the same time, on each broker.
"""

import asyncio
import contextlib
import ipaddress
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import msgspec
import uuid_utils.compat as uuid
from msgspec import Struct

from bench import brokerage, fanout, servers
from bench.brokerage import Tell
from bench.figures import Asked, Machine, machine
from bench.listener import listening
from hexad import keys
from kernel.errors import Unavailable
from kernel.events.outbox import emit
from kernel.queues import Queue
from kernel.queues.broker import open_queues
from kernel.queues.client import Message, Queues
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import AdvisoryDue
from mobile_contracts.messaging.outbound import Email
from notifications.one_time_code import QUEUE

Say = Callable[[str], None]
_MOST_MS = 2000.0
_PATIENCE = 120.0
_MAIL = Queue("outbound.email.service.main")
_HUNG_CALLS = 40
_NO_LIMIT = 1_000_000


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
        async with listening(self._hang) as platform, listening(self._refuse) as relay:
            yield platform, relay

    async def _hang(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hung += 1
        await reader.read()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 nobody\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            self.refused += verb == b"RCPT"
            writer.write(_ANSWERS.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return


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
        runs = list[Waited]()
        for broker, chosen in fanout.brokers(given.broker_url, own, without_pgmq=given.without_pgmq):
            with chosen as on:
                runs.append(asyncio.run(_measured(given, on, broker, before=len(runs) * given.codes)))
                say(runs[-1].line())
        shown = msgspec.structs.replace(given, broker_url="")
        return Report(machine(server.psql("-c", "show server_version")), shown, runs, judged(runs))


def judged(runs: list[Waited]) -> list[Asked]:
    """What is asked of each figure."""
    return [
        Asked(f"{one.broker}: p99 of a code in ms", f"at most {_MOST_MS:g}", one.p99_ms, one.p99_ms, one.longest_ms,
              reached=one.p99_ms <= _MOST_MS)
        for one in runs
    ] + [
        Asked(f"{one.broker}: messages on their way when the last code was asked for", "more than 0",
              one.messages_left, one.messages_left, one.messages_left, reached=one.messages_left > 0)
        for one in runs
    ]  # fmt: skip


async def _measured(given: Parameters, own: Settings, broker: str, before: int) -> Waited:
    hindrance = Hindrance()
    async with hindrance.standing() as (platform, relay):
        hindered = msgspec.structs.replace(
            own, advisory_url=f"http://127.0.0.1:{platform}", smtp_host="127.0.0.1", smtp_port=relay, smtp_tls="never",
            sms_codes=_NO_LIMIT, trusted_proxies="127.0.0.1",
        )  # fmt: skip
        with contextlib.ExitStack() as processes:
            for start in (servers.worker, servers.relay, servers.gateway, servers.mail):
                await asyncio.to_thread(processes.enter_context, start(hindered))
            api = await asyncio.to_thread(processes.enter_context, servers.ours(hindered))
            async with fanout.database(hindered) as database, open_queues(hindered) as queues:
                await _burden(given, database, queues)
                people = await _customers(database, before, given.codes)
                took, left = await _waits(given.every, people, api.port, database, queues)
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


async def _waits(
    every: float, people: Mapping[str, str], port: int, database: Database, queues: Queues
) -> tuple[list[float], int]:
    """Milliseconds that each code took, every one of which has to come, and the messages left when all were asked for.

    An open loop: what the API keeps waiting keeps nobody else from asking. Times count from before the request.
    """
    asked: dict[str, float] = {}
    came: dict[str, float] = {}
    taking = asyncio.create_task(_take(queues, came))
    where = f"http://127.0.0.1:{port}"
    try:
        async with httpx2.AsyncClient(base_url=where, timeout=_PATIENCE) as client, asyncio.TaskGroup() as group:
            for number, (customer_no, mobile) in enumerate(people.items()):
                asked[mobile] = began = time.monotonic()
                group.create_task(_ask(client, number, customer_no))
                await asyncio.sleep(max(0.0, began + every - time.monotonic()))
    except* Unavailable as refused:
        raise refused.exceptions[0] from None
    left, until = await _left(database), time.monotonic() + _PATIENCE
    while missing := asked.keys() - came.keys():
        if time.monotonic() > until or taking.done():
            raise Unavailable(f"{len(missing)} codes did not come within {_PATIENCE:.0f} s")
        await asyncio.sleep(0.05)
    taking.cancel()
    await asyncio.wait([taking])
    return [(came[mobile] - began) * 1000 for mobile, began in asked.items()], left


async def _ask(client: httpx2.AsyncClient, number: int, customer_no: str) -> None:
    """As an app does, each from an address and a device of its own."""
    address = ipaddress.ip_address("10.0.0.0") + number * 256
    answer = await client.post(
        "/v1/auth/investor/code",
        json={"login": customer_no, "device_id": f"bench-{number}"},
        headers={"X-Forwarded-For": str(address)},
    )
    if answer.status_code != 202:
        raise Unavailable(f"a code was refused: {answer.status_code} {answer.text[:200]}")


async def _customers(database: Database, before: int, count: int) -> dict[str, str]:
    """Customer numbers behind those who asked before, each with the mobile number that its code comes to."""
    async with database.transaction() as tx:
        await apply_system(tx, "bench", kind="company")
        rows = await tx.fetch("select customer_no, id from customer order by id offset $1 limit $2", before, count)
    if len(rows) < count:
        raise Unavailable(f"{before + count} codes want as many customers")
    return {row["customer_no"]: fanout.mobile_of(row["id"]) for row in rows}


async def _take(queues: Queues, came: dict[str, float]) -> None:
    while True:
        taken = await queues.take(QUEUE, 100, lease=30, wait=0.5)
        for delivery in taken:
            came.setdefault(msgspec.json.decode(delivery.body)["to"], time.monotonic())
        await queues.acknowledge(taken)


async def _left(database: Database) -> int:
    async with database.transaction() as tx:
        await apply_system(tx, "bench", kind="company")
        return int(await tx.fetchval("select count(*) from outgoing where state in ('queued', 'sending', 'sent')"))
