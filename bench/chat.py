"""`hexad bench chat`: messages of many people, stored before they are accepted, beside a floor that stores nothing.

And many sockets that are cut all at once, until the last is ready again; and a node that is killed.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import msgspec
import psutil
from msgspec import Struct

from bench import brokerage, servers, storm
from bench.chatter import Chatter, Talk, measured
from bench.figures import Asked, Figure, Report, Run, at_least, below, figure, machine, none_failed
from bench.servers import Server
from bench.storm import Storm
from hexad import keys
from hexad.embedded import Postgres
from identity import principal
from identity.principal import Tokens
from kernel import settings
from kernel.errors import Unavailable
from kernel.schema.migrate import migrate
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.sql import load

Say = Callable[[str], None]
_DATABASE = "bench_chat"
_AT_ONCE_MS, _QUICK_MS, _BEARABLE_MS = 3.0, 15.0, 250.0
_BACK_SECONDS, _KILLED_SECONDS, _ROUNDS = 1.5, 5.0, 3
_KILLED = "the only node killed and started again: seconds until all sign in and speak"
_KILL_SECONDS = 60.0
_ENOUGH, _SHARE = 2_500.0, 0.35
_FINE = 1.04
_sql = load(Path(__file__).with_suffix(".sql"))


class Parameters(Struct, frozen=True):
    """How many connections speak, how fast in messages a second, and for how many seconds each load lasts.

    `storm` is how many are cut at once; 0 leaves that out.
    """

    connections: int
    rate: float
    seconds: float
    start: float = 1_000.0
    most: float = 20_000.0
    storm: int = 2_000


def run(given: Parameters, folder: Path | None, say: Say) -> Report:
    """Everything in a folder that is kept, or in one that is gone afterwards; raises `Unavailable`."""
    with contextlib.ExitStack() as held:
        place = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hexad-bench-")))
        keys.make(place)
        server = brokerage.started(place.resolve())
        held.callback(server.stop)
        version = server.psql("-c", "show server_version")
        own = _settings(server, place)
        everybody = asyncio.run(_filled(server, own, max(given.connections, given.storm) // 2))
        talks = everybody[: given.connections]
        with servers.realtime(own) as ours:
            steady = measured(Chatter(ours.port, talks, given.seconds, given.rate))
            say(_line("ours", given.rate, steady))
            storms = _cut(ours, everybody[: given.storm], say)
            runs = _raised("ours", ours, talks, given, say)
        killed = _killed(own, talks, say) if given.storm else []
        asyncio.run(_check(server, accepted=sum(run.requests for run in [steady, *runs])))
        with servers.echo(own) as echo:
            bare = [Talk(one.conversation_id, one.conversation_id) for one in talks]
            floor = _highest(_raised("floor", echo, bare, given, say))
        best = _highest(runs)
        figures = [
            figure(f"at {given.rate:.0f}/s", "ours", [steady]),
            figure("highest", "ours", [best]),
            figure("highest", "floor", [floor]),
            *([figure(f"{given.storm} cut at once", "ours", storms)] if storms else []),
            *([figure("node killed", "ours", killed)] if killed else []),
        ]
        return Report(
            machine(version),
            msgspec.structs.asdict(given),
            figures,
            _judged(given, steady, best, floor, storms, killed, figures),
        )


def _judged(
    given: Parameters, steady: Run, best: Run, floor: Run, storms: list[Run], killed: list[Run], figures: list[Figure]
) -> list[Asked]:
    return [
        below(f"{given.rate:.0f}/s, open loop: send to accepted, p50 in ms", _AT_ONCE_MS, [steady.p50]),
        below(f"{given.rate:.0f}/s, open loop: send to accepted, p99 in ms", _QUICK_MS, [steady.p99]),
        at_least(f"accepted messages/s with p99 below {_BEARABLE_MS:.0f} ms", _ENOUGH, [best.rate]),
        at_least("ours / floor", _SHARE, [best.rate / max(floor.rate, 1e-9)]),
        *([_back(given, storms)] if storms else []),
        *([below(_KILLED, _KILLED_SECONDS, [one.seconds for one in killed])] if killed else []),
        none_failed(figures),
    ]


def _back(given: Parameters, storms: list[Run]) -> Asked:
    what = f"{given.storm} sockets cut at once: seconds until all are ready again"
    return below(what, _BACK_SECONDS, [one.seconds for one in storms])


def _cut(server: Server, talks: list[Talk], say: Say) -> list[Run]:
    """Everybody is cut at once, several times."""
    if not talks:
        return []
    storms = storm.measured(Storm(server.port, talks, _ROUNDS))
    for one in storms:
        say(f"storm  {one.requests:7,} cut, all ready again after {one.seconds:.2f} s, half after {one.p50:.0f} ms")
    return storms


def _killed(own: Settings, talks: list[Talk], say: Say) -> list[Run]:
    """The node is killed and started again, several times, until everybody is signed in and speaks."""
    runs = list[Run]()
    for _ in range(_ROUNDS):
        with servers.realtime(own) as node, ThreadPoolExecutor(1) as beside:
            coming = beside.submit(storm.measured, Storm(node.port, talks, node=node.pid))
            psutil.Process(node.pid).wait(_KILL_SECONDS)
            with servers.realtime(own, node.port):
                runs += coming.result()
        say(f"killed  {runs[-1].requests:6,} of its sockets speak again after {runs[-1].seconds:.2f} s")
    return runs


def _raised(name: str, server: Server, talks: list[Talk], given: Parameters, say: Say) -> list[Run]:
    """Rates raised by half until one is not borne, then in small steps from the last that was."""
    rate, step, runs = given.start, 1.5, list[Run]()
    while rate <= given.most:
        done = measured(Chatter(server.port, talks, given.seconds / 2, rate))
        say(_line(name, rate, done))
        runs.append(done)
        if _borne(done):
            rate *= step
        elif step > _FINE and any(map(_borne, runs)):
            rate, step = rate / step * _FINE, _FINE
        else:
            break
    return runs


def _borne(done: Run) -> bool:
    return done.p99 < _BEARABLE_MS and not done.failures


def _highest(runs: list[Run]) -> Run:
    return max(filter(_borne, runs), key=lambda run: run.rate, default=Run(0, 0, 0, 0, 0, 0, 0))


def _line(name: str, rate: float, done: Run) -> str:
    return (
        f"{name:6} {rate:7,.0f}/s asked {done.rate:8,.0f}/s accepted  p50 {done.p50:6.1f} ms  p99 {done.p99:7.1f} ms"
        f"  client {done.client_busy:.0%}{f'  {done.failures} FAILED' if done.failures else ''}"
    )


async def _filled(server: Postgres, own: Settings, pairs: int) -> list[Talk]:
    """A new database with so many pairs, all signed in."""
    await asyncio.to_thread(server.psql, "-c", f"drop database if exists {_DATABASE} with (force)")
    await asyncio.to_thread(server.prepare, _DATABASE)
    await migrate(own.owner_url, own)
    connection = await asyncpg.connect(server.url("postgres", _DATABASE))
    try:
        await _sql.add_units(connection)
        await _sql.add_brokers(connection, pairs=pairs)
        await _sql.add_roles(connection)
        await _sql.add_customers(connection, pairs=pairs)
        await _sql.add_conversations(connection)
        await _sql.add_participants(connection)
        await connection.execute("vacuum analyze")
        rows = await _sql.pairs(connection)
    finally:
        await connection.close()
    return await _signed(own, [(str(row[0]), row[1], row[2]) for row in rows])


async def _signed(own: Settings, pairs: list[tuple[str, str, str]]) -> list[Talk]:
    tokens, talks = Tokens(own), list[Talk]()
    database = await Database.open(own.database_url, own, size=1)
    try:
        async with database.transaction() as tx:
            for conversation, customer_no, employee_no in pairs:
                session = await principal.open_session(tx, "investor", customer_no, ["investor"], "bench", 86_400)
                talks.append(Talk(tokens.issue("investor", customer_no, session), conversation))
                session = await principal.open_session(tx, "staff", employee_no, [], "bench", 86_400)
                talks.append(Talk(tokens.issue("staff", employee_no, session), conversation))
    finally:
        await database.close()
    return talks


async def _check(server: Postgres, accepted: int) -> None:
    """Raises `Unavailable` when what is stored has gaps, or is less than what was accepted."""
    connection = await asyncpg.connect(server.url("postgres", _DATABASE))
    try:
        row = await _sql.stored(connection)
    finally:
        await connection.close()
    if row["messages"] != row["seqs"]:
        raise Unavailable(f"{row['messages']} messages are stored under {row['seqs']} numbers")
    if row["messages"] < accepted:
        raise Unavailable(f"{accepted} messages were accepted, but {row['messages']} are stored")


def _settings(server: Postgres, place: Path) -> Settings:
    lines = keys.file(place).read_text().splitlines()
    made = dict(line.split("=", 1) for line in lines if "=" in line)
    return settings.parse(
        {
            **made,
            "HEXAD_VAR": str(place.resolve()),
            "HEXAD_TOKEN_SECONDS": "3600",
            "HEXAD_DATABASE_URL": server.url("hexad_app", _DATABASE),
            "HEXAD_OWNER_URL": server.url("hexad_owner", _DATABASE),
        }
    )
