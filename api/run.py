"""Serves the API under Granian until it is told to stop."""

import os

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings

from kernel import logs, metrics
from kernel.settings import Settings, environment

_HEADER_MILLISECONDS = 10_000


def serve(settings: Settings) -> None:
    """Blocks until SIGTERM or SIGINT, then finishes what is in work within `drain` seconds."""
    os.environ.update(environment(settings))
    logs.configure("api", settings)
    if settings.api_workers > 1:
        metrics.share("api", settings)
    Granian(
        "api.app:application",
        factory=True,
        interface=Interfaces.ASGI,
        address=settings.api_host,
        port=settings.api_port,
        workers=settings.api_workers,
        loop=Loops.uvloop,
        backlog=1024,
        backpressure=settings.api_inflight * 2,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        log_dictconfig=logs.UNFORMATTED,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(settings.drain)),
    ).serve()
