"""Serves one realtime node under uvicorn until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
import uvloop

from identity.principal import Tokens
from kernel.bus.choice import open_bus
from kernel.process import ports
from kernel.process.files import allow_files
from kernel.settings import Settings
from kernel.store.database import Database, check_keys
from kernel.telemetry import logs, metrics, tracing
from realtime import garbage
from realtime.guard import Http, WebSocket
from realtime.hub import Hub
from realtime.server import Application
from realtime.session import FRAME_BYTES
from realtime.sign_in import SignIn

_FILES_BESIDE_SOCKETS = 200


def serve(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT, then lets every client go within `drain` seconds.

    Raises `Misconfigured` for a wrong setting and `Unavailable` when the port cannot be had; PostgreSQL may be away.
    """
    logs.configure("realtime", settings)
    metrics.start("realtime")
    tracing.start("realtime", settings)
    garbage.left_to_us()
    allow_files(settings.sockets + _FILES_BESIDE_SOCKETS, "HEXAD_SOCKETS")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))
    tracing.stop()


async def _serve(settings: Settings) -> None:
    tokens = Tokens(settings)
    await check_keys(settings)
    database = await Database.open(settings.database_url, settings, minimum=0, plan_once=True, whole_tables=False)
    with contextlib.closing(_listen(settings)) as listener:
        async with open_bus(settings) as bus:
            hub = Hub(settings, database, SignIn(tokens, database, settings), bus)
            app = Application(settings, hub)
            beside = [asyncio.create_task(hub.run()), asyncio.create_task(bus.listen(hub.heard))]
            try:
                await _Server(_config(settings, app), hub, settings.drain).serve([listener])
            finally:
                for task in beside:
                    task.cancel()
                await database.close()


class _Server(uvicorn.Server):
    """Lets the hub say goodbye before uvicorn closes what is left."""

    def __init__(self, config: uvicorn.Config, hub: Hub, seconds: float) -> None:
        super().__init__(config)
        self._hub, self._seconds = hub, seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._hub.drain(self._seconds / 2)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Afterwards uvicorn would die of the signal that stopped it; a node that let everybody go did well."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Http,
        ws=WebSocket,
        ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=settings.socket_ping,
        ws_ping_timeout=settings.socket_silence - settings.socket_ping,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, int(settings.drain / 5)),
    )


def _listen(settings: Settings) -> socket.socket:
    try:
        host = ports.numeric(settings.realtime_host, settings.realtime_port)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, settings.realtime_port), family=family, backlog=2048)
    except (OSError, UnicodeError):
        ports.check_free(settings, "realtime_port", "realtime_host")  # says why
        raise
