"""Real nodes in processes of their own, and people with sessions who connect to them."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from identity.principal import Tokens, open_session
from kernel.security.scope import Audience
from kernel.settings import Settings
from kernel.store.database import Database
from tests import ports
from tests.conftest import child_environment

ROOT = Path(__file__).parents[2]
ORIGIN = "https://app.example.com"
RUN = "from kernel.settings import current; from realtime.run import serve; serve(current())"


class Client:
    """One client: sends and receives frames as dicts."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self, seconds: float = 10) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
            return frame

    async def ask(self, **frame: Any) -> dict[str, Any]:
        await self.send(**frame)
        return await self.receive()

    async def closed(self, seconds: float = 10) -> int:
        """The code with which the server closes; frames before it are skipped."""
        async with asyncio.timeout(seconds):
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await self.socket.recv()
        received = self.socket.protocol.close_rcvd
        return 1006 if received is None else int(received.code)


class Node:
    """A realtime node in a process of its own."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.settings, self.log = settings, log
        self.address = f"127.0.0.1:{settings.realtime_port}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error::DeprecationWarning:realtime", "-c", RUN],
                env=child_environment(settings),
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: self.status("/health/live") == 200, self._died)

    def status(self, path: str) -> int:
        """The HTTP status of a path; 0 when nobody answers."""
        try:
            return httpx.get(f"http://{self.address}{path}", timeout=30).status_code
        except httpx.HTTPError:
            return 0

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        """Connects with the subprotocol."""
        given: dict[str, Any] = {"subprotocols": ["hexad.v1"], "proxy": None, "compression": None, **options}
        async with connect(f"ws://{self.address}/ws", **given) as socket:
            yield Client(socket)

    @contextlib.asynccontextmanager
    async def signed_in(self, token: str, device_id: str = "d") -> AsyncIterator[Client]:
        """Connects and signs in."""
        async with self.client() as client:
            assert (await client.ask(type="auth", token=token, device_id=device_id))["type"] == "ready"
            yield client

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Sends the signal and gives the exit code."""
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def lines(self) -> list[str]:
        """What it logged."""
        return self.log.read_text().splitlines()

    def check_lines(self) -> None:
        """Fails with every line in full that logged an error."""
        wrong = [line for line in self.lines() if '"level":"error"' in line or "Traceback" in line]
        assert not wrong, "\n".join(wrong)

    def _died(self) -> str | None:
        return None if self.process.poll() is None else f"the node ended: {self.log.read_text()[-3000:]}"


class People:
    """Makes sessions and tokens in the database of a node."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def session(
        self, subject: str, audience: Audience = "staff", device_id: str = "", seconds: int = 600
    ) -> UUID:
        """A committed session."""
        database = await Database.open(self.settings.database_url, self.settings, size=1)
        try:
            async with database.transaction() as tx:
                return await open_session(tx, audience, subject, [], device_id, seconds)
        finally:
            await database.close()

    def issue(self, session_id: UUID, subject: str, audience: Audience = "staff", seconds: int = 600) -> str:
        """A token of a session; one with negative seconds has expired."""
        lasting = msgspec.structs.replace(self.settings, token_seconds=seconds)
        return Tokens(lasting).issue(audience, subject, session_id)

    async def token(self, subject: str, audience: Audience = "staff", device_id: str = "", seconds: int = 600) -> str:
        """A token of a new session."""
        return self.issue(await self.session(subject, audience, device_id), subject, audience, seconds)

    async def revoke(self, session_id: UUID) -> None:
        """Ends a session."""
        connection = await asyncpg.connect(self.settings.database_url)
        await connection.execute("update session set revoked_at = now() where id = $1", session_id)
        await connection.close()


def wait_until(
    holds: Callable[[], bool], failed: Callable[[], str | None] = lambda: None, seconds: float = 120
) -> None:
    """Waits for a condition; fails at once when `failed` says why it will never hold."""
    until = time.monotonic() + seconds
    while not holds():
        assert not (reason := failed()), reason
        assert time.monotonic() < until, "it did not come true in time"
        time.sleep(0.05)


@contextlib.contextmanager
def running(settings: Settings, port: int, folder: Path) -> Iterator[Node]:
    """A node that is killed when the block ends, should it still run."""
    node = Node(msgspec.structs.replace(settings, realtime_port=port), folder / f"node-{port}.log")
    try:
        yield node
    finally:
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()


@pytest.fixture
def start_node(own_settings: Settings, free_port: Callable[[], int], tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Starts nodes on the test's own database, with settings that it may change."""
    with contextlib.ExitStack() as nodes:
        yield lambda **changed: nodes.enter_context(
            running(msgspec.structs.replace(own_settings, **changed), free_port(), tmp_path)
        )


@pytest.fixture
def own_people(own_settings: Settings) -> People:
    """Sessions in the test's own database."""
    return People(own_settings)


@pytest.fixture(scope="session")
def node(base_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that many tests share: whoever leaves it changed has failed."""
    settings = msgspec.structs.replace(base_settings, origins=f"{ORIGIN}, http://localhost:5173")
    with running(settings, ports.free(), tmp_path_factory.mktemp("node")) as node:
        yield node
        node.check_lines()


@pytest.fixture(scope="session")
def people(node: Node) -> People:
    """Sessions in the database of the shared node."""
    return People(node.settings)
