"""The story told once on each kind of system: everything embedded, and with RabbitMQ and Redis."""

import subprocess
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kernel.settings import Settings, environment
from tests.brokers import on_rabbitmq, on_valkey
from tests.clusters import place
from tests.hexad.running import Up, own_environment

ANY_HOUR = {"HEXAD_SERVICE_HOURS": "00:00-24:00"}
"""Whoever tests at night may write to people too."""


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
def telling_elsewhere() -> Iterator[Telling]:
    """The story on a system with RabbitMQ and Redis."""
    for on_bus in on_valkey(Settings()):
        for on_both in on_rabbitmq(on_bus):
            yield from _told_on(on_both)


def _told_on(settings: Settings) -> Iterator[Telling]:
    with place() as folder:
        up = Up(own_environment(folder / "var") | environment(settings) | ANY_HOUR, folder / "output")
        try:
            up.wait_ready()
            yield Telling(up)
        finally:
            up.kill_everything()
