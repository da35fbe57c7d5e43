"""The story told once on each kind of system: everything embedded, and with RabbitMQ and Redis."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest

from hexad import embedded
from kernel.schema.migrate import migrate
from kernel.settings import Settings, environment
from tests.brokers import on_rabbitmq, on_valkey
from tests.clusters import place
from tests.hexad.running import HEXAD, READY_SECONDS, Up, own_environment
from tests.house.test_files import ROOT
from workers.roster import enrol

ANY_HOUR = {"HEXAD_SERVICE_HOURS": "00:00-24:00"}
"""Whoever tests at night may write to people too."""


_READY = ("API", "REALTIME", "WORKER", "RELAY", "BEAT", "MAILER", "SMS_SIMULATOR")

TOLD_WITHIN = 120.0
"""Seconds for the whole command on a busy machine, the loading of a brokerage among them."""


class Telling:
    """A running system, and what `hexad tour --json` said of it."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.report = report(up.run("tour", "--json", seconds=TOLD_WITHIN))

    def step(self, number: int) -> str:
        """Everything that a step found to be as promised, a line each."""
        return "\n".join(one["what"] for one in self.report["steps"][number - 1]["done"])


def report(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The report that was printed."""
    assert ran.stdout, ran.stderr
    found: dict[str, Any] = msgspec.json.decode(ran.stdout)
    return found


@pytest.fixture(scope="session")
def telling() -> Iterator[Telling]:
    """The story on a system with everything embedded, where nobody was before; others may tell it again."""
    yield from _told_on(Settings())


@pytest.fixture
def telling_elsewhere(settings: Settings) -> Iterator[Telling]:
    """The story on a system with RabbitMQ and Redis, each process started by itself as in production."""
    for on_bus in on_valkey(settings):
        for on_both in on_rabbitmq(on_bus):
            yield from _told_by_each(on_both)


def _told_by_each(settings: Settings) -> Iterator[Telling]:
    with place() as folder:
        own = msgspec.structs.replace(settings, var=folder / "var", database_url="", owner_url="")
        given = own_environment(own.var) | environment(own) | ANY_HOUR
        path = f"{HEXAD.parent}{os.pathsep}{given['PATH']}"
        command = (HEXAD.with_name("honcho"), "--no-prefix", "-f", ROOT / "hexad" / "Procfile", "start")
        with embedded.served(own, lambda line: None) as located:
            asyncio.run(migrate(located.owner_url, located))
            asyncio.run(enrol(located.owner_url))
            system = Up({**given, "PATH": path}, folder / "output", command, cwd=ROOT)
            try:
                system.wait(partial(_all_ready, system), READY_SECONDS)
                yield Telling(system)
            finally:
                system.kill_everything()


def _all_ready(system: Up) -> bool:
    try:
        return all(httpx.get(system.url("/health/ready", port), timeout=30).status_code == 200 for port in _READY)
    except httpx.TransportError:
        return False


def _told_on(settings: Settings) -> Iterator[Telling]:
    with place() as folder:
        up = Up(own_environment(folder / "var") | environment(settings) | ANY_HOUR, folder / "output")
        try:
            up.wait_ready()
            yield Telling(up)
        finally:
            up.kill_everything()
