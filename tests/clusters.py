"""Where tests keep PostgreSQL, and how they make databases quickly."""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from hexad.embedded import Postgres
from kernel.schema.migrate import migrate
from kernel.settings import parse

_MEMORY, _ROOM = Path("/dev/shm"), 2 << 30


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A folder for PostgreSQL, in memory where there is room: a database is made there in a tenth of the time.

    Not in pytest's own folder: another pytest of root shuts that to the user whom PostgreSQL runs as.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with tempfile.TemporaryDirectory(prefix="hexad-", dir=_MEMORY if roomy else None) as folder:
        yield Path(folder)


@contextlib.contextmanager
def cluster() -> Iterator[Postgres]:
    """A running cluster with the migrated database `hexad`."""
    with place() as folder:
        server = Postgres(folder)
        server.start()
        try:
            server.prepare()
            asyncio.run(migrate(server.url("hexad_owner"), parse({})))
            yield server
        finally:
            server.stop("immediate")


@contextlib.contextmanager
def database(server: Postgres, template: str = "hexad") -> Iterator[str]:
    """The name of a copy of the template, which is dropped afterwards."""
    name, strategy = f"own_{secrets.token_hex(6)}", "file_copy" if server.data.is_relative_to(_MEMORY) else "wal_log"
    execute(server, f"create database {name} template {template} owner hexad_owner strategy {strategy}")
    try:
        yield name
    finally:
        execute(server, f"drop database {name} with (force)")


def execute(server: Postgres, statement: str) -> None:
    """As the superuser, without a psql to start: half the time of a short test went there."""

    async def executed() -> None:
        connection = await asyncpg.connect(server.url("postgres", "postgres"))
        await connection.execute(statement)
        await connection.close()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:  # pytest's own loop stays the current one
        runner.run(executed())
