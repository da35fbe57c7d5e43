"""Serves the API under Granian until it is told to stop."""

import asyncio
import os

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings

from identity.principal import Tokens
from kernel.process import ports
from kernel.process.files import allow_files
from kernel.security.crypto import BlindIndex, Fields
from kernel.settings import Settings, environment
from kernel.store.database import check_keys
from kernel.telemetry import logs, metrics

_HEADER_MILLISECONDS = 10_000
_FILES_BESIDE_CONNECTIONS = 600


def serve(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT, then finishes what is in work within `drain` seconds.

    Raises `Misconfigured` for a wrong setting and `Unavailable` when the port cannot be had; PostgreSQL may be away.
    """
    for needed in (Tokens, Fields, BlindIndex):  # a missing key is said here, in one sentence
        needed(settings)
    asyncio.run(check_keys(settings))
    ports.check_free(settings, "api_port", "api_host")
    if settings.api_workers > 1:
        metrics.share("api", settings)
    allow_files(settings.api_connections + _FILES_BESIDE_CONNECTIONS, "HEXAD_API_CONNECTIONS")
    os.environ.update(environment(settings))
    logs.configure("api", settings)
    Granian(
        "api.app:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=ports.numeric(settings.api_host, settings.api_port),
        port=settings.api_port,
        workers=settings.api_workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,  # to tell HTTP/2 apart it would wait for a first word, without end; proxies speak 1.1
        backlog=1024,
        backpressure=settings.api_connections,  # of connections: idle ones count, so it is no bound for requests
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        log_dictconfig=logs.UNFORMATTED,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(settings.drain)),
    ).serve()
