"""One running system for all tests that only look at it, and the means to start others."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clusters import place
from tests.hexad.running import Up, own_environment


@pytest.fixture(scope="session")
def system() -> Iterator[Up]:
    """A system that is ready, shared: tests must leave it as it is."""
    with place() as folder:
        up = Up(own_environment(folder / "var"), folder / "output")
        try:
            up.wait_ready()
            yield up
            assert up.stop(signal.SIGTERM) == 0, up.said
            assert up.processes() == []
        finally:
            up.kill_everything()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for PostgreSQL."""
    with place() as made:
        yield made


@pytest.fixture
def start_up(folder: Path) -> Iterator[Callable[..., Up]]:
    """Starts systems in the test's own folder, always the same ports; whatever is left of them is killed."""
    environment = own_environment(folder / "var")
    started: list[Up] = []

    def start(**settings: str) -> Up:
        started.append(Up(environment | settings, folder / f"output-{len(started)}"))
        return started[-1]

    yield start
    for up in started:
        up.kill_everything()
