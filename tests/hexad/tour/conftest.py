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


class Telling:
    """A running system, and what `hexad tour --json` said of it."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.report = report(up.run("tour", "--json"))

    def step(self, number: int) -> str:
        """Everything that a step found to be as promised, a line each."""
        return "\n".join(one["what"] for one in self.report["steps"][number - 1]["done"])


def report(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The report that was printed."""
    assert ran.stdout, ran.stderr
    found: dict[str, Any] = msgspec.json.decode(ran.stdout)
    return found


_KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"tour {kind}")) for kind in ("embedded", "rabbitmq")]


@pytest.fixture(scope="session", params=_KINDS)
def telling(request: pytest.FixtureRequest) -> Iterator[Telling]:
    """A system that is ready, with Redis beside RabbitMQ, and where nobody was before the story; tests must leave it as it is."""
    kinds = [Settings()] if request.param == "embedded" else _with_both()
    for settings in kinds:
        with place() as folder:
            up = Up(own_environment(folder / "var") | environment(settings) | ANY_HOUR, folder / "output")
            try:
                up.wait_ready()
                yield Telling(up)
            finally:
                up.kill_everything()


def _with_both() -> Iterator[Settings]:
    for on_bus in on_valkey(Settings()):
        yield from on_rabbitmq(on_bus)
