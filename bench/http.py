"""`hexad bench http`: reads of brokers among many customers, beside a floor and a peer, in the same run."""

import asyncio
import contextlib
import random
import secrets
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import jwt
import msgspec
from msgspec import Struct

from bench import brokerage, servers
from bench.brokerage import Broker, Customer, Tell
from bench.figures import Asked, Figure, Report, Run, apart, below, figure, machine, none_failed, ratio
from bench.load import Load, Request, measured
from bench.servers import Server
from hexad import keys
from hexad.embedded import Postgres
from identity import principal
from identity.principal import Tokens
from kernel import settings
from kernel.errors import Unavailable
from kernel.settings import Settings
from kernel.store.database import Database

Say = Callable[[str], None]
_SESSIONS, _EACH = 300, 20
_WARMING = 10
_MIXED_RATE = 300.0
_GROWTH = 1.2
_TURNS = 4
"""Short turns instead of one round, forth and back: the machine's speed changes while one house is measured."""

_COMPARED = 5


class Parameters(Struct, frozen=True):
    """What is measured, and how long."""

    customers: int
    connections: int
    seconds: float
    rounds: int
    no_growth: bool = False
    without_peer: bool = False


class Signed(Struct, frozen=True):
    """A broker with a token of ours and one of the peer's."""

    broker: Broker
    token: str
    peers_token: str


class Subjects(Struct, frozen=True):
    """Who asks, and the servers that are asked, by name."""

    people: list[Signed]
    servers: dict[str, Server]


def run(given: Parameters, folder: Path | None, say: Say, tell: Tell) -> Report:
    """Everything in a folder that is kept, or in one that is gone afterwards; raises `Misconfigured`, `Unavailable`."""
    if not given.without_peer:
        servers.check_peer()
    with contextlib.ExitStack() as held:
        place = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="hexad-bench-")))
        keys.make(place)
        server = brokerage.started(place.resolve())
        held.callback(server.stop)
        version = server.psql("-c", "show server_version")
        figures, asked = _main(server, _settings(place), given, say, tell)
        if not given.no_growth:
            more, grown = _growth(server, _settings(place), given, say, tell)
            figures, asked = figures + more, asked + grown
        return Report(machine(version), _shown(given), figures, [*asked, none_failed(figures)])


def _main(
    server: Postgres, base: Settings, given: Parameters, say: Say, tell: Tell
) -> tuple[list[Figure], list[Asked]]:
    with _serving(server, base, given.customers, tell, ours_alone=False, peer=not given.without_peer) as subjects:
        _agree(subjects)
        _warm(subjects, given)
        runs: dict[tuple[str, str], list[Run]] = {}
        for what in ("detail", "list", "me", "home", "search_number", "search_mobile", "search_name", "list_brotli"):
            for number in range(given.rounds):
                for name in subjects.servers if what in ("detail", "list") else ("ours",):
                    done = _closed(subjects, name, what, given)
                    runs.setdefault((what, name), []).append(done)
                    say(f"{what:14} {name:6} {number + 1}/{given.rounds} {done.rate:8,.0f}/s  p99 {done.p99:6.1f} ms")
        mixed = [_mixed(subjects, given, seed) for seed in range(given.rounds)]
        runs["mixed", "ours"] = mixed
        say(f"{'mixed':14} ours   {_MIXED_RATE:.0f}/s asked  p99 {', '.join(f'{one.p99:.1f}' for one in mixed)} ms")
    return [figure(what, name, done) for (what, name), done in runs.items()], _judged(runs)


def _judged(runs: dict[tuple[str, str], list[Run]]) -> list[Asked]:
    asked = []
    for what in ("detail", "list"):
        for other, least in (("floor", 0.5), ("peer", 2.0)):
            if (what, other) in runs:
                asked.append(ratio(f"{what}: ours / {other}", least, runs[what, "ours"], runs[what, other]))
    name = f"mixed at {_MIXED_RATE:.0f}/s, open loop: p99 in ms"
    return [*asked, below(name, 50, [one.p99 for one in runs["mixed", "ours"]])]


def _growth(
    server: Postgres, base: Settings, given: Parameters, say: Say, tell: Tell
) -> tuple[list[Figure], list[Asked]]:
    """The work of as many brokers in houses of a hundredth, a tenth and the whole size, in turn."""
    sizes = (given.customers // 100, given.customers // 10, given.customers)
    runs: dict[tuple[str, int], list[Run]] = {}
    with contextlib.ExitStack() as held:
        houses = {
            size: held.enter_context(_serving(server, base, size, tell, ours_alone=True, peer=False)) for size in sizes
        }
        fewest = min(len(house.people) for house in houses.values())
        houses = {size: Subjects(house.people[:fewest], house.servers) for size, house in houses.items()}
        short = msgspec.structs.replace(given, seconds=given.seconds / _TURNS)
        for what in ("detail", "list"):
            for turn in range(given.rounds * _TURNS):
                for size in sizes[:: -1 if turn % 2 else 1]:
                    done = _closed(houses[size], "ours", what, short)
                    runs.setdefault((what, size), []).append(done)
                    say(f"{what:14} {size:,} customers {done.rate:8,.0f}/s  p99 {done.p99:6.1f} ms")
    asked = []
    for what in ("detail", "list"):
        rates = [[one.rate for one in runs[what, size]] for size in sizes]
        asked.append(apart(f"{what}: fastest size / slowest size", _GROWTH, rates))
    return [figure(f"{what} of {size}", "ours", done) for (what, size), done in runs.items()], asked


@contextlib.contextmanager
def _serving(
    server: Postgres, base: Settings, customers: int, tell: Tell, *, ours_alone: bool, peer: bool
) -> Iterator[Subjects]:
    secret = secrets.token_urlsafe(32)
    name = asyncio.run(brokerage.filled(server, base, customers, tell))
    own = msgspec.structs.replace(
        base, database_url=server.url("hexad_app", name), owner_url=server.url("hexad_owner", name)
    )
    people = asyncio.run(_signed(server, name, own, secret))
    with contextlib.ExitStack() as held:
        started = {"ours": held.enter_context(servers.ours(own))}
        if not ours_alone:
            url = server.url(brokerage.READER, name)
            started["floor"] = held.enter_context(servers.floor(url, own))
            if peer:
                started["peer"] = held.enter_context(servers.peer(url, own, secret))
        yield Subjects(people, started)


async def _signed(server: Postgres, name: str, own: Settings, secret: str) -> list[Signed]:
    people = await brokerage.brokers(server, name, _SESSIONS, _EACH)
    tokens, signed = Tokens(own), list[Signed]()
    database = await Database.open(own.database_url, own, size=1)
    try:
        async with database.transaction() as tx:
            for one in people:
                session = await principal.open_session(tx, "staff", one.employee_no, [], "phone-1", 86_400)
                claims = {"sub": str(one.id), "aud": "staff", "exp": datetime.now(UTC) + timedelta(days=1)}
                peers = jwt.encode(claims, secret, algorithm="HS256")
                signed.append(Signed(one, tokens.issue("staff", one.employee_no, session), peers))
    finally:
        await database.close()
    return signed


def _warm(subjects: Subjects, given: Parameters) -> None:
    """A database that was kept begins cold: what a day begins with is asked until nobody is refused, unmeasured."""
    for _ in range(_WARMING):
        if not _closed(subjects, "ours", "home", given).failures:
            return


def _closed(subjects: Subjects, name: str, what: str, given: Parameters) -> Run:
    asks = requests(what, name, subjects.people)
    return measured(Load(subjects.servers[name].port, given.connections, given.seconds, asks))


def _mixed(subjects: Subjects, given: Parameters, seed: int) -> Run:
    """Six in ten look at customers and lists, the rest search and begin their day."""
    parts = {"detail": 4, "list": 3, "search_mobile": 1, "search_name": 1, "me": 1, "home": 1}
    asks = [one for what, times in parts.items() for one in requests(what, "ours", subjects.people)[: 500 * times]]
    port = subjects.servers["ours"].port
    return measured(Load(port, given.connections, given.seconds * 2, asks, _MIXED_RATE, seed))


def requests(what: str, server: str, people: Sequence[Signed]) -> list[Request]:
    """What every broker asks of a server for one kind of load, the customers in no order."""
    if what in ("list", "list_brotli", "me", "home"):
        return [_request(what, server, one, None) for one in people]
    asks = [_request(what, server, one, customer) for one in people for customer in one.broker.customers]
    random.Random(len(asks)).shuffle(asks)
    return asks


def _request(what: str, server: str, who: Signed, customer: Customer | None) -> Request:
    path = "/customers" if customer is None else f"/customers/{customer.customer_no}"
    if server == "floor":
        return Request(f"{path}?employee={who.broker.id}", who.token)
    if server == "peer":
        return Request(path, who.peers_token)
    if what in ("me", "home"):
        path = f"/{what}"
    elif customer is not None and what != "detail":
        sought = {
            "search_number": customer.customer_no, "search_mobile": customer.mobile, "search_name": customer.name[:2]
        }[what]  # fmt: skip
        path = f"/customers?q={quote(sought)}"
    return Request(f"/v1/staff{path}", who.token, "br" if what == "list_brotli" else "")


def _agree(subjects: Subjects) -> None:
    """All three must answer the same, else their times are not comparable; raises `Unavailable`."""
    for what in ("detail", "list"):
        for place in range(min(_COMPARED, len(subjects.people))):
            answers = {
                name: _shape(_asked(server.port, requests(what, name, subjects.people)[place]))
                for name, server in subjects.servers.items()
            }
            if len(set(answers.values())) > 1:
                raise Unavailable(f"the servers do not answer {what} alike: {answers}")


def _asked(port: int, request: Request) -> bytes:
    url = f"http://127.0.0.1:{port}{request.path}"
    headers = {"Authorization": f"Bearer {request.token}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:  # ours
        return bytes(answer.read())


def _shape(body: bytes) -> str:
    answer = msgspec.json.decode(body)
    items = answer.get("items", [answer])
    return " ".join(f"{one['customer_no']} {one['name']} {one['assets']} {one['mobile']}" for one in items)


def _settings(place: Path) -> Settings:
    lines = keys.file(place).read_text().splitlines()
    made = dict(line.split("=", 1) for line in lines if "=" in line)
    return settings.parse({**made, "HEXAD_VAR": str(place.resolve()), "HEXAD_TOKEN_SECONDS": "3600"})


def _shown(given: Parameters) -> dict[str, bool | int | float | str]:
    told: dict[str, bool | int | float | str] = dict(msgspec.structs.asdict(given))
    return {**told, "sessions": _SESSIONS, "customers_per_session": _EACH, "workers": 1}
