"""Two nodes on one database, and people of a brokerage who speak with each other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from hexad.embedded import Postgres
from identity.principal import Tokens, open_session
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.store.database import Database
from tests import clusters, ports
from tests.brokerage import Brokerage
from tests.realtime.conftest import Client, Node, running

Frame = dict[str, Any]


class Talker:
    """One device of somebody: what it sent and every frame that it got."""

    def __init__(self, client: Client) -> None:
        self.client, self.frames = client, list[Frame]()

    async def send(self, **frame: Any) -> None:
        await self.client.send(**frame)

    async def get(self, kind: str, seconds: float = 10) -> Frame:
        """The next frame of a type; those before it are kept in `frames`."""
        while (frame := await self.client.receive(seconds))["type"] != kind:
            self.frames.append(frame)
        self.frames.append(frame)
        return frame

    async def quiet(self, seconds: float = 0.5) -> list[str]:
        """The types of frames that come within a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self.frames.append(await self.client.receive(seconds + 1))
        return [one["type"] for one in self.frames]

    async def say(self, conversation: str, body: str, client_id: str = "") -> Frame:
        """Sends a message and gives the `accepted` or `error` that answers it."""
        client_id = client_id or str(uuid4())
        await self.send(type="send", client_id=client_id, conversation_id=conversation, kind="text", body=body)
        while True:
            frame = await self.client.receive()
            self.frames.append(frame)
            if frame["type"] in ("accepted", "error") and frame.get("client_id") == client_id:
                return frame

    async def open(self, **wanted: Any) -> Frame:
        """Opens a conversation."""
        await self.send(type="open", client_id=str(uuid4()), **wanted)
        return await self.get("opened")

    async def error(self, **frame: Any) -> str:
        """The code with which a frame is refused."""
        await self.send(**frame)
        return str((await self.get("error"))["code"])

    def seqs(self, conversation: str) -> list[int]:
        """The seqs of the conversation in the order in which this device got them, `accepted` in their place."""
        return [
            one["seq"]
            for one in self.frames
            if one["type"] in ("message", "accepted") and one["conversation_id"] == conversation
        ]


class House:
    """A brokerage whose branch `b1` has two teams, and two nodes."""

    def __init__(self, brokerage: Brokerage, nodes: list[Node]) -> None:
        self.brokerage, self.nodes = brokerage, nodes
        self._numbers = count(1)

    async def broker(self, *, unit: str = "t1", licensed: bool = True, role: str = "broker") -> str:
        """A new employee, by number."""
        no = f"7{next(self._numbers):05}"
        await self.brokerage.employee(no, unit, *filter(None, [role]))
        if licensed:
            await self.brokerage.execute("update employee set licence_no = 'S1' where employee_no = $1", no)
        return no

    async def investor(self, *brokers: str, branch: str = "b1") -> str:
        """A new customer whom these brokers serve, by number."""
        no = f"66{next(self._numbers):06}"
        await self.brokerage.customer(no, branch, name=f"客户{no}", brokers=brokers)
        return no

    async def hand_over(self, investor: str, *brokers: str) -> None:
        """Ends every relation of a customer today; from today these brokers serve them."""
        await self.brokerage.execute(
            "update relation set valid_to = current_date where customer_id = $1", self.brokerage.customers[investor]
        )
        for broker in brokers:
            await self.brokerage.relate(investor, broker)

    async def branch(self) -> tuple[str, str]:
        """A new branch with a team, so that nobody else is there."""
        code = f"x{next(self._numbers)}"
        await self.brokerage.unit("branch", code, "north")
        await self.brokerage.unit("team", f"{code}t", code)
        return code, f"{code}t"

    async def token(self, audience: Audience, no: str, device_id: str = "d") -> str:
        """Signs somebody in."""
        async with self.brokerage.database.transaction() as tx:
            session = await open_session(
                tx, audience, no, ["investor"] if audience == "investor" else [], device_id, 600
            )
        return Tokens(self.brokerage.settings).issue(audience, no, session)

    @contextlib.asynccontextmanager
    async def device(
        self,
        name: str,
        node: int = 0,
        resume: dict[str, int] | None = None,
        language: str = "",
        epoch: str | None = None,
    ) -> AsyncIterator[Talker]:
        """A device of `staff:…` or `investor:…` on one of the nodes; its first frame is `ready`."""
        audience, no = name.split(":")
        spoken = {"Accept-Language": language} if language else {}
        async with self.nodes[node].client(additional_headers=spoken) as client:
            talker = Talker(client)
            token = await self.token("staff" if audience == "staff" else "investor", no)
            await talker.send(type="auth", token=token, device_id="d", resume=resume or {}, epoch=epoch)
            assert (await talker.get("ready"))["principal"] == name
            yield talker

    async def told_of(self, notice_id: UUID | None) -> None:
        """The bus tells the nodes of a notice."""
        await self.brokerage.execute(
            "select pg_notify('hexad', payload::text) from outbox where payload->>'notice_id' = $1", str(notice_id)
        )

    @contextlib.asynccontextmanager
    async def pair(self, nodes: tuple[int, int] = (0, 0)) -> AsyncIterator[tuple[Talker, Talker, str]]:
        """An investor and their broker, and the conversation that the investor opened."""
        broker = await self.broker()
        investor = await self.investor(broker)
        async with (
            self.device(f"investor:{investor}", nodes[0]) as one,
            self.device(f"staff:{broker}", nodes[1]) as other,
        ):
            opened = await one.open()
            assert opened["state"] == "assigned"
            await other.get("assigned")
            yield one, other, opened["conversation_id"]


async def founded(database: Database, settings: Settings) -> Brokerage:
    """The units."""
    house = Brokerage(database, settings)
    for kind, code, above in (
        ("region", "north", "company"), ("branch", "b1", "north"), ("branch", "b2", "north"),
        ("team", "t1", "b1"), ("team", "t2", "b2"),
    ):  # fmt: skip
        await house.unit(kind, code, above)
    return house


@pytest.fixture(scope="session")
def two_nodes(
    postgres: Postgres, base_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Node]]:
    """Two nodes on a database of their own, which many tests share."""
    with clusters.database(postgres) as name, contextlib.ExitStack() as held:
        own = msgspec.structs.replace(
            base_settings,
            database_url=postgres.url("hexad_app", name),
            owner_url=postgres.url("hexad_owner", name),
        )
        asyncio.run(_found(own))
        folder: Path = tmp_path_factory.mktemp("chat")
        nodes = [held.enter_context(running(own, ports.free(), folder)) for _ in range(2)]
        yield nodes
        for node in nodes:
            node.check_lines()


async def _found(settings: Settings) -> None:
    database = await Database.open(settings.database_url, settings, size=1)
    await founded(database, settings)
    await database.close()


@pytest.fixture(scope="session")
def numbers() -> Callable[[], int]:
    """Numbers that nobody has had."""
    return count(1).__next__


@pytest.fixture
async def house(two_nodes: list[Node], numbers: Callable[[], int]) -> AsyncIterator[House]:
    """The brokerage behind the two nodes."""
    settings = two_nodes[0].settings
    database = await Database.open(settings.database_url, settings, size=2)
    brokerage = Brokerage(database, settings)
    async with database.transaction() as tx:
        brokerage.units = {row[0]: row[1] for row in await tx.fetch("select code, id from unit")}
        brokerage.units["company"] = await tx.fetchval("select id from unit where kind = 'company'")
    made = House(brokerage, two_nodes)
    made._numbers = iter(numbers, None)  # type: ignore[assignment]
    yield made
    await database.close()
