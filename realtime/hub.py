"""The sockets of this node: how many there may be, whose they are, and how they end when a session or the node does."""

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid

from centers.service.conversation_rules import Said
from identity.principal import ended
from kernel.bus.client import Bus
from kernel.errors import RateLimited
from kernel.process.address import household
from kernel.process.apart import Apart
from kernel.security.scope import Principal
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.telemetry import logs
from kernel.telemetry.metrics import POOL_FREE, POOL_WAITING, SOCKETS
from mobile_contracts.event import Event, OrganisationChanged, PersonChanged, RolesChanged, SessionEnded
from mobile_contracts.frame import Asked, SendMessage, ServerFrame
from realtime.connection import Arrival, Connection, count_frames
from realtime.delivery import Delivery
from realtime.desk import Desk
from realtime.garbage import Garbage
from realtime.gossip import Gossip
from realtime.handshake import Refusal
from realtime.lookout import Lookout
from realtime.people import People
from realtime.rerouting import Rerouting
from realtime.sign_in import AUDIENCES, SignIn

LOOK_SECONDS = 2.0
"""How often the sessions behind the sockets are looked at when the bus is silent: a revocation takes 4 s at most."""

_BREATH_SECONDS, _FAILED_SECONDS = 0.1, 1.0
_RECONNECTS_A_SECOND = 200.0
_RETRY_SECONDS = 30.0
_chance = random.SystemRandom()
_log = logs.logger(__name__)


class Hub:
    """Knows every connection, and those of each address and principal."""

    def __init__(self, settings: Settings, database: Database, sign_in: SignIn, bus: Bus | None = None) -> None:
        self._problem = "the database was not asked yet"
        self._settings, self._database, self._sign_in = settings, database, sign_in
        self._connections: dict[Connection, str] = {}
        self._unsigned: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._principals: defaultdict[str, set[Connection]] = defaultdict(set)
        self._draining, self._epoch, self._arrived = False, "", 0.0
        self._left, self._told = asyncio.Event(), asyncio.Event()
        node, gossip = uuid.uuid7(), Gossip(bus)
        delivery = Delivery(lambda name: self._principals.get(name, ()), lambda: self._connections)
        self._desk = Desk(database, sign_in.line, node, delivery, gossip)
        self._lookout = Lookout(database, node, self._desk, lambda: self._connections)
        self._rerouting = Rerouting(database, delivery.held, self._lookout.moved)
        self._people = People(database, lambda: self._connections, self._rerouting.look_at_all)
        self._beside, self._sessions, self.failing = Apart("beside"), Apart("sessions"), Apart("catching up")

    @property
    def problem(self) -> str:
        """Why this node should get no new clients; empty when it should."""
        return "draining" if self._draining else self._problem

    @property
    def instance(self) -> str:
        """Of which database this node is, empty before it was met."""
        return self._database.lineage.instance

    @property
    def epoch(self) -> str:
        """Which life of the database this is, as `kernel.store.lineage` tells it."""
        return self._database.lineage.epoch

    @property
    def troubles(self) -> str:
        """What fails of single items, by loop; empty when nothing does. The node serves all others."""
        loops = (
            self._beside, self._sessions, self.failing, self._people.rounds.failing, self._rerouting.rounds.failing,
            *self._lookout.failing, self._desk.writer.failing, self._desk.marks.failing,
        )  # fmt: skip
        return "; ".join(f"{one.name}: {problem}" for one in loops if (problem := one.problem()))

    def refusal(self, host: str) -> Refusal | None:
        """Why one more connection from `host` cannot be had, null when it can."""
        if self._draining:
            return Refusal(503, "this node is stopping", self._pause())
        if len(self._connections) >= self._settings.sockets:
            return Refusal(503, "this node has all the connections that it can serve", self._pause())
        return None

    @contextlib.contextmanager
    def holding(self, connection: Connection) -> Iterator[None]:
        """Counts a connection until the block ends, and by its address until it signs in.

        Whoever has not signed in for longest makes room there: strangers behind an address keep nobody out.
        """
        strangers = self._unsigned[household(connection.host)]
        if len(strangers) >= self._settings.sockets_per_address:
            oldest = next(iter(strangers))
            del strangers[oldest]
            oldest.give_way()
        self._connections[connection], strangers[connection] = "", None
        self._arrived = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            name = self._connections.pop(connection)
            self._forget_stranger(connection)
            self._principals[name].discard(connection)
            if not self._principals[name]:
                del self._principals[name]
            self._left.set()

    async def sign_in(self, connection: Connection, token: str, device_id: str) -> tuple[Principal, float]:
        """Principal and expiry (Unix seconds); raises `NotSignedIn`, `RateLimited` or `Unavailable`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        principal, expires = await self._sign_in.of(token, device_id)
        if not self._connections[connection]:
            own = self._principals[principal.name]
            if len(own) >= self._settings.sockets_per_principal:
                # raised by: themselves
                raise RateLimited
            own.add(connection)
            self._connections[connection] = principal.name
            self._forget_stranger(connection)
            self._arrived = loop.time()
        connection.found_at = began
        return principal, expires

    def _forget_stranger(self, connection: Connection) -> None:
        place = household(connection.host)
        strangers = self._unsigned.get(place, {})
        strangers.pop(connection, None)
        if not strangers:
            self._unsigned.pop(place, None)

    async def arrive(self, connection: Connection, principal: Principal, resume: Mapping[UUID, int]) -> Arrival:
        """Their conversations, which the connection follows from now on; raises `Unavailable`."""
        return await self._desk.arrive(connection, principal, resume)

    async def ask(self, connection: Connection, frame: Asked) -> Sequence[ServerFrame]:
        """Does what a frame of the chat asks for and gives the answers; raises `HexadError`."""
        return await self._desk.ask(connection, frame)

    def send(self, connection: Connection, frame: SendMessage) -> None:
        """Has a message stored, and answered when it is; raises `NotAllowed` or `Unavailable`."""
        self._desk.send(connection, frame)

    async def missed(self, conversation_id: UUID, since: int, size: int) -> list[Said]:
        """The first messages of a conversation after a seq; raises `Unavailable`."""
        return await self._desk.missed(conversation_id, since, size)

    def head(self, conversation_id: UUID) -> int:
        """The newest seq of a conversation that this node knows."""
        return self._desk.delivery.head(conversation_id)

    async def run(self) -> None:
        """All that goes on beside the sockets, for ever: looking after sessions, storing, telling, reading, looking."""
        desk = self._desk
        works: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "watch": self.watch, "people": self._people.rounds.run, "rerouting": self._rerouting.rounds.run,
            "writer": desk.writer.run, "marks": desk.marks.run, "gossip": desk.gossip.run, "read": self._lookout.read,
            "look": self._lookout.look, "tell": self._lookout.tell, "garbage": Garbage(lambda: self._arrived).run,
        }  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for name, work in works.items():
                group.create_task(self._kept_up(name, work))

    async def watch(self) -> None:
        """Ends the sockets of ended sessions, for ever; without PostgreSQL they live on, until their tokens expire."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look()
                self._note("")
            except Exception as error:  # noqa: BLE001  # whatever it is, sessions must be looked at again
                self._note(f"database: {type(error).__name__}")
            await asyncio.sleep(_BREATH_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._told.wait()
            self._told.clear()

    def heard(self, event: Event | None) -> None:
        """What the bus says: looks at once when a session has ended, somebody may have left, or after a silence."""
        if event is None or isinstance(event, SessionEnded | PersonChanged):
            self._told.set()
        if event is None or isinstance(event, OrganisationChanged | PersonChanged | RolesChanged):
            self._people.rounds.heard()
        self._lookout.heard(event)

    async def drain(self, seconds: float) -> None:
        """Takes nobody in any more, says `bye` to all and waits for them to go; cuts those left in the end."""
        self._draining = True
        self._say_bye()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._connections:
                    self._left.clear()
                    await self._left.wait()
        for connection in tuple(self._connections):
            connection.cut()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._desk.marks.settled()  # nobody says these again

    def observe(self) -> None:
        """Brings the gauges up to date."""
        audiences = Counter(name.partition(":")[0] for name in self._connections.values())
        for audience in (*AUDIENCES, ""):
            SOCKETS.labels(audience or "unknown").set(audiences[audience])
        count_frames()
        POOL_FREE.set(self._database.free)
        POOL_WAITING.set(self._database.waiting)

    async def _look(self) -> None:
        sessions = {c.principal.session_id for c in self._connections if c.principal is not None}
        async with self._database.transaction() as tx:
            over = await ended(tx, list(sessions))
        if self._epoch not in ("", self.epoch):
            self._begin_anew()
        self._epoch = self.epoch
        for connection in tuple(self._connections):
            if connection.principal is not None and connection.principal.session_id in over:
                with self._sessions.item(str(connection.principal.session_id)):
                    connection.revoke()

    async def _kept_up(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begins the work again should it ever end in an error: the node's other work does not stop for it."""
        while True:
            with self._beside.turn(name):
                await work()
            await asyncio.sleep(_FAILED_SECONDS)
            self._beside.forget()

    def _begin_anew(self) -> None:
        """The database was put back: what this node and its clients know of conversations is of another life of it."""
        _log.warning("the database was put back to an earlier point: every client begins anew")
        self._desk.delivery.forget()
        self._say_bye()

    def _say_bye(self) -> None:
        spread = min(_RETRY_SECONDS, len(self._connections) / _RECONNECTS_A_SECOND)
        for connection in tuple(self._connections):
            connection.drain(round(1 + _chance.uniform(0, spread), 2))

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            _log.info("readiness changed", problem=problem)
        self._problem = problem

    def _pause(self) -> int:
        return _chance.randint(1, int(_RETRY_SECONDS))
