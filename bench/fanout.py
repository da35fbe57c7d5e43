"""`hexad bench fanout`: a broadcast by SMS from its start to the last receipt recorded, beside a floor and a peer.

The floor publishes ready JSON with pipelined confirms and does nothing else. The peer is one Celery task per message.
"""

import asyncio
import contextlib
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiormq
import asyncpg
import msgspec
import uuid_utils.compat as uuid
from msgspec import Struct

from bench import brokerage, gateway, servers
from bench.brokerage import Tell
from bench.figures import Asked, Machine, at_least, machine
from hexad import keys
from hexad.embedded import Postgres
from kernel import settings
from kernel.errors import Unavailable
from kernel.queues import GATEWAY_EXCHANGE, OUTBOUND_EXCHANGE, QUEUES
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.security.crypto import Fields
from kernel.security.scope import apply_system
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.messaging.broadcast import Progress
from mobile_contracts.messaging.outbound import Sms
from notifications.broadcast import broadcast
from notifications.broadcast.broadcast import Wanted
from notifications.channel.sms import segments

Say = Callable[[str], None]
_LEAST = {"RabbitMQ": 2000.0, "PGMQ": 1000.0}
_TIMES = 5.0
_WORDS = {"words": "天气转凉,请注意保暖,祝您投资顺利"}
_PATIENCE = 900.0
_BATCH = 500


class Parameters(Struct, frozen=True):
    """What is measured: so many messages on each broker, fewer for the floor and the slow peer."""

    messages: int
    floor_messages: int
    peer_messages: int
    broker_url: str
    without_peer: bool = False
    without_pgmq: bool = False


class Fanout(Struct, frozen=True):
    """One broadcast: seconds from its start to the last receipt, and what became of its messages."""

    what: str
    broker: str
    messages: int
    seconds: float
    states: dict[str, int]

    @property
    def rate(self) -> float:
        """Messages a second, whole way."""
        return self.messages / self.seconds

    def line(self) -> str:
        """For a terminal."""
        return f"{self.what:8}{self.broker:10}{self.messages:9,} in {self.seconds:7.1f} s {self.rate:9,.0f}/s"


class Report(Struct, frozen=True):
    """All that one run says."""

    machine: Machine
    parameters: Parameters
    runs: list[Fanout]
    rates: dict[str, float]
    asked: list[Asked]

    def lines(self) -> list[str]:
        """For a terminal: every figure, then what is asked of them."""
        return [*[one.line() for one in self.runs], "", *[one.line() for one in self.asked]]


def run(given: Parameters, folder: Path | None, say: Say, tell: Tell) -> Report:
    """Everything on a PostgreSQL of its own; raises `Unavailable` when a broker does not answer or nothing moves."""
    with contextlib.ExitStack() as held:
        place = (folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hexad-bench-")))).resolve()
        keys.make(place)
        server = brokerage.started(place)
        held.callback(server.stop)
        base = settings_of(place)
        name = asyncio.run(brokerage.filled(server, base, given.messages, tell))
        own = msgspec.structs.replace(
            base, database_url=server.url("hexad_app", name), owner_url=server.url("hexad_owner", name)
        )
        asyncio.run(number(server, name, own))
        runs = list(_runs(given, own, server.url("postgres", name), say))
        version = server.psql("-c", "show server_version")
        shown = msgspec.structs.replace(given, broker_url="")
        return Report(
            machine(version), shown, runs, {f"{r.what} {r.broker}": round(r.rate, 1) for r in runs}, judged(runs)
        )


def judged(runs: list[Fanout]) -> list[Asked]:
    """What is asked of each figure."""
    ours = {one.broker: one for one in runs if one.what == "ours"}
    asked = [at_least(f"{name}: messages a second", _LEAST[name], [one.rate]) for name, one in ours.items()]
    for one in runs:
        if one.what == "floor":
            asked.append(at_least(f"{one.broker}: ours / floor", 0.0, [ours[one.broker].rate / one.rate]))
        if one.what == "peer":
            asked.append(at_least(f"{one.broker}: ours / peer", _TIMES, [ours[one.broker].rate / one.rate]))
    lost = [float(one.states.get("delivered", 0)) / one.messages for one in runs if one.what != "floor"]
    return [*asked, at_least("share of messages with their receipt", 1.0, [min(lost)])] if lost else asked


def _runs(given: Parameters, own: Settings, superuser: str, say: Say) -> Iterator[Fanout]:
    for name, chosen in brokers(given.broker_url, own, without_pgmq=given.without_pgmq):
        with chosen as on:
            for one in (_ours(given, on, name), _floor(given, on, name)):
                say(one.line())
                yield one
            if on.broker_url and not given.without_peer:
                one = _peer(given, on, superuser, name)
                say(one.line())
                yield one


def brokers(
    broker_url: str, own: Settings, *, without_pgmq: bool
) -> Iterator[tuple[str, AbstractContextManager[Settings]]]:
    """Settings on the RabbitMQ that is named, and on PGMQ."""
    if broker_url:
        yield "RabbitMQ", _prefixed(msgspec.structs.replace(own, broker_url=broker_url))
    if not without_pgmq:
        yield "PGMQ", contextlib.nullcontext(own)


@contextlib.contextmanager
def _prefixed(own: Settings) -> Iterator[Settings]:
    """With queues of its own, which are deleted afterwards."""
    prefix = f"bench-{secrets.token_hex(4)}."
    try:
        yield msgspec.structs.replace(own, queue_prefix=prefix)
    finally:
        asyncio.run(_delete(own.broker_url, prefix))


async def _delete(url: str, prefix: str) -> None:
    async with await aiormq.connect(url) as connection:
        channel = await connection.channel()
        for name in (*(queue.name for queue in QUEUES), "bench.tasks", "bench.tasks.dead"):
            await channel.queue_delete(prefix + name)
        for exchange in (OUTBOUND_EXCHANGE, GATEWAY_EXCHANGE):
            await channel.exchange_delete(prefix + exchange)


def _ours(given: Parameters, own: Settings, name: str) -> Fanout:
    with servers.relay(own), servers.gateway(own):
        return asyncio.run(_measured(own, given.messages, name))


async def _measured(own: Settings, messages: int, name: str) -> Fanout:
    async with database(own) as opened:
        began = time.monotonic()
        started = await start(opened, messages)
        progress = await _until_answered(opened, started, own)
        took = time.monotonic() - began
    counts = {state: count for state, count in msgspec.structs.asdict(progress.counts).items() if count}
    return Fanout("ours", name, progress.total, took, counts)


async def start(opened: Database, messages: int) -> UUID:
    """Starts a broadcast to so many customers."""
    async with opened.transaction() as tx:
        await apply_system(tx, "bench", kind="company")
        ids = [row[0] for row in await tx.fetch("select id from customer order by id limit $1", messages)]
        return await broadcast.start(
            tx,
            Wanted(kind="bench", template="care", purpose="service", channels=("sms",), values=_WORDS,
                   customer_ids=ids),
        )  # fmt: skip


async def _until_answered(opened: Database, started: UUID, own: Settings) -> Progress:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        async with opened.transaction() as tx:
            await apply_system(tx, "bench", kind="company")
            progress = await broadcast.progress(tx, started, own)
        if progress.counts.delivered + progress.counts.skipped == progress.total:
            return progress
        await asyncio.sleep(0.5)
    raise Unavailable(f"not every receipt came within {_PATIENCE:.0f} s: {progress}")


def _floor(given: Parameters, own: Settings, name: str) -> Fanout:
    """Ready JSON into the same queue, in the batches that ours are handed over in."""
    now, text = datetime.now(UTC), f"【Hexad】尊敬的张三:{_WORDS['words']}"
    ready = [
        Message(
            msgspec.json.encode(
                Sms(id=id_, purpose="service", to="+8613800138000", sender="10690000", text=text, created_at=now,
                    segments=segments(text), expires_at=now + timedelta(days=1), attempt=1)
            ),
            id=str(id_),
        )
        for id_ in (uuid.uuid7() for _ in range(given.floor_messages))
    ]  # fmt: skip

    async def publish() -> float:
        async with open_queues(own) as queues:
            await queues.publish(gateway.QUEUE, ready[:1])
            began = time.monotonic()
            for start in range(0, len(ready), _BATCH):
                await queues.publish(gateway.QUEUE, ready[start : start + _BATCH])
            took = time.monotonic() - began
            while taken := await queues.take(gateway.QUEUE, _BATCH, lease=60):
                await queues.acknowledge(taken)
            return took

    return Fanout("floor", name, given.floor_messages, asyncio.run(publish()), {})


def _peer(given: Parameters, own: Settings, superuser: str, name: str) -> Fanout:
    with servers.celery(own, superuser), servers.gateway(own):
        return asyncio.run(_tasks_measured(given.peer_messages, superuser, name, own))


async def _tasks_measured(messages: int, superuser: str, name: str, own: Settings) -> Fanout:
    """One task per message from the first `delay` to the last receipt."""
    from bench import tasks

    connection = await asyncpg.connect(superuser)
    try:
        await connection.execute("truncate outgoing, receipt")
        began = time.monotonic()
        rows = await connection.fetch(
            "insert into outgoing (id, broadcast_id, customer_id, channel, state)"
            " select uuidv7(), (select b.id from broadcast b limit 1), c.id, 'sms', 'queued'"
            "   from customer c order by c.id limit $1"
            " returning id::text",
            messages,
        )
        app = tasks.make_app(own.broker_url, own.queue_prefix)
        await asyncio.to_thread(lambda: [app.send_task("peer.send", (row[0],)) for row in rows])
        until = began + _PATIENCE
        delivered = 0
        while delivered < messages and time.monotonic() < until:
            await asyncio.sleep(0.25)
            delivered = await connection.fetchval("select count(*) from outgoing where state = 'delivered'")
        return Fanout("peer", name, messages, time.monotonic() - began, {"delivered": delivered})
    finally:
        await connection.close()


def mobile_of(customer_id: int) -> str:
    """The number that `number` gives a customer."""
    return f"+861{3_000_000_000 + customer_id}"


async def number(server: Postgres, name: str, own: Settings) -> None:
    """Gives every customer a mobile number that opens."""
    fields = Fields(own)
    connection = await asyncpg.connect(server.url("postgres", name))
    try:
        rows = await connection.fetch("select id, customer_no from customer")
        numbers = [mobile_of(row["id"]) for row in rows]
        sealed = list(fields.seal_column(numbers, "customer", "mobile", [row["customer_no"] for row in rows]))
        await connection.execute(
            "update customer c set mobile = given.sealed, closed_on = null, status = 'normal'"
            "  from unnest($1::integer[], $2::bytea[]) as given (id, sealed) where c.id = given.id",
            [row["id"] for row in rows], sealed,
        )  # fmt: skip
        await connection.execute("vacuum analyze customer", timeout=None)
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def database(own: Settings) -> AsyncIterator[Database]:
    """Two connections of the app."""
    opened = await Database.open(own.database_url, own, size=2)
    try:
        yield opened
    finally:
        await opened.close()


def settings_of(place: Path) -> Settings:
    """Those of a house in that folder, at every hour and at a rate that binds nobody."""
    lines = keys.file(place).read_text().splitlines()
    made = dict(line.split("=", 1) for line in lines if "=" in line)
    own = settings.parse({**made, "HEXAD_VAR": str(place)})
    return msgspec.structs.replace(
        own, service_hours="00:00-24:00", sms_rate=10_000, gateways=gateway.NAME, statement_timeout=120.0
    )
