"""One embedded PostgreSQL per test process; a migrated template database, cloned where a test needs its own."""

import base64
import os
import secrets
import shutil
import signal
import tempfile
from asyncio.selector_events import BaseSelectorEventLoop
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
import structlog

from hexad.embedded import Postgres
from kernel.settings import Settings, environment, parse
from kernel.store.database import Database, Tx, session_settings
from tests import clusters, ports

BROKER_URL = "amqp://guest:guest@127.0.0.1:5672/"
REDIS_URL = "redis://127.0.0.1:6379/0"


_close = BaseSelectorEventLoop.close


def _close_with_nothing_left(loop: BaseSelectorEventLoop) -> None:
    """Names the test that left a socket: else whatever test is under way when it is collected is told of it."""
    left = [one for one in loop._transports.values() if one._sock is not None] if not loop.is_closed() else []  # type: ignore[attr-defined]
    _close(loop)
    assert not left, f"left open when the loop was closed: {left}"


_ROOT = "PYTEST_DEBUG_TEMPROOT"
_own_root: list[str] = []


def pytest_configure() -> None:
    """Children take an ignored SIGINT along, as a shell gives it to what runs in its background: ours must hear it.

    Temporary files lie apart from those of other sessions: each that begins closes their common folder, and a
    PostgreSQL of another user that works below it stops.
    """
    if _ROOT not in os.environ:
        os.environ[_ROOT] = tempfile.mkdtemp(prefix="hexad-tests-")
        _own_root.append(os.environ[_ROOT])
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure([structlog.processors.add_log_level, plain])  # with all locals one traceback took seconds
    setattr(BaseSelectorEventLoop, "close", _close_with_nothing_left)  # noqa: B010  # mypy: of another class than its base
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A test that left another logging behind would be paid for by those after it: one traceback took seconds there."""
    found = structlog.get_config()
    yield
    left = structlog.get_config()
    structlog.configure(**found)
    assert left == found, "the test leaves logging otherwise than it found it"


def pytest_sessionfinish(exitstatus: int) -> None:
    """Leaves what tests wrote where one failed."""
    if exitstatus == pytest.ExitCode.OK:
        for root in _own_root:
            shutil.rmtree(root, ignore_errors=True)


def pytest_report_header() -> str:
    """What luck there was, so that it can be had again: pytest-randomly tells its own seed."""
    return f"PYTHONHASHSEED={os.environ.get('PYTHONHASHSEED', 'random')}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuses ids that two tests share: run side by side, only one of them would be."""
    twice = [nodeid for nodeid, count in Counter(item.nodeid for item in session.items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"ids of more than one test: {', '.join(twice[:10])}")


def random_key() -> str:
    """32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running cluster of this test process with the migrated database `hexad`."""
    with clusters.cluster() as server:
        for setting in ("fsync = off", "max_wal_size = '256MB'"):  # tests may lose it
            clusters.execute(server, f"alter system set {setting}")
        clusters.execute(server, "select pg_reload_conf()")
        clusters.execute(server, "create database work template hexad owner hexad_owner")
        yield server


@pytest.fixture(scope="session")
def base_settings(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the shared database, with keys of this run."""
    return parse(
        {
            "HEXAD_VAR": str(tmp_path_factory.mktemp("var")),
            "HEXAD_DATABASE_URL": postgres.url("hexad_app", "work"),
            "HEXAD_OWNER_URL": postgres.url("hexad_owner", "work"),
            "HEXAD_TOKEN_KEY": random_key(),
            "HEXAD_FIELD_KEYS": f"k1:{random_key()}",
            "HEXAD_INDEX_KEY": random_key(),
        }
    )


@pytest.fixture
def settings(base_settings: Settings) -> Settings:
    """Settings that a test may replace with `msgspec.structs.replace`."""
    return base_settings


@pytest.fixture
async def tx(settings: Settings) -> AsyncIterator[Tx]:
    """A transaction of the app role, rolled back when the test ends."""
    async for one in _rolled_back(settings.database_url, settings):
        yield one


@pytest.fixture
async def owner_tx(own_settings: Settings) -> AsyncIterator[Tx]:
    """A transaction of the owner role on a database of the test's own: nobody waits for the tables that it alters."""
    async for one in _rolled_back(own_settings.owner_url, own_settings):
        yield one


async def _rolled_back(url: str, settings: Settings) -> AsyncIterator[Tx]:
    connection = await asyncpg.connect(url, server_settings=session_settings(settings))
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
def own_settings(postgres: Postgres, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a fresh database of the test's own, for tests that commit or start processes; dropped afterwards."""
    with clusters.database(postgres) as name:
        yield msgspec.structs.replace(
            settings,
            var=tmp_path,
            database_url=postgres.url("hexad_app", name),
            owner_url=postgres.url("hexad_owner", name),
        )


@pytest.fixture
def own_cluster() -> Iterator[Postgres]:
    """A cluster of the test's own, migrated, for tests that stop or kill PostgreSQL."""
    with clusters.cluster() as server:
        yield server


@pytest.fixture
async def database(own_settings: Settings) -> AsyncIterator[Database]:
    """A pool of the app role on the test's own database: what is written there is committed."""
    database = await Database.open(own_settings.database_url, own_settings)
    yield database
    await database.close()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives ports that nobody listens on."""
    return ports.free


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child process that runs with these settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEXAD_")}
    return {**inherited, **environment(settings)}
