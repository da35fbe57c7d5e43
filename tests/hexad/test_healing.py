"""PostgreSQL that dies is started again, but not for ever."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexad.embedded import Postgres
from hexad.healing import Healer
from tests.hexad.test_embedded import kill


@pytest.fixture
def server(folder: Path) -> Iterator[Postgres]:
    """A cluster that runs."""
    server = Postgres(folder / "postgres")
    server.start()
    yield server
    server.stop("immediate")


def test_it_is_started_again_until_it_died_too_often(server: Postgres) -> None:
    said: list[str] = []
    again, over = threading.Event(), threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if line == "PostgreSQL runs again":
            again.set()

    healer = Healer(server, say, over.set, at_most=1)
    healer.start()
    try:
        kill(server)
        assert again.wait(90)
        assert server.psql("-c", "select 1") == "1"
        assert not healer.failed
        kill(server)
        assert over.wait(60)
    finally:
        healer.stop()
    assert said == ["PostgreSQL died and is started again", "PostgreSQL runs again"]
    assert healer.failed.startswith("PostgreSQL died 2 times in 10 minutes: its log is ")


def test_why_it_cannot_be_started_is_said(server: Postgres) -> None:
    over = threading.Event()
    healer = Healer(server, lambda line: None, over.set)
    with (server.data / "postgresql.auto.conf").open("a") as config:
        config.write("shared_preload_libraries = 'no_such_library'\n")
    healer.start()
    try:
        kill(server)
        assert over.wait(90)
    finally:
        healer.stop()
    assert "no_such_library" in healer.failed


def test_a_disk_that_cannot_be_written_is_a_reason_too(server: Postgres) -> None:
    over = threading.Event()
    healer = Healer(server, lambda line: None, over.set)
    (server.data / "hexad.conf").unlink()
    (server.data / "hexad.conf").mkdir()
    healer.start()
    try:
        kill(server)
        assert over.wait(90)
    finally:
        healer.stop()
    assert "hexad.conf" in healer.failed


def test_a_stop_that_is_meant_is_left_alone(server: Postgres) -> None:
    healer = Healer(server, lambda line: None, lambda: None)
    healer.start()
    healer.stop()
    server.stop()
    assert not server.running()
