"""Real processes on a cluster of their own, which may be killed too."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.schema.migrate import migrate
from kernel.settings import Settings
from tests.brokers import on_rabbitmq
from tests.clusters import place
from tests.faults.stand import Stand


@pytest.fixture(scope="package")
def cluster() -> Iterator[Postgres]:
    """A cluster that tests may kill; it runs again when the next one begins."""
    with place() as folder:
        server = Postgres(folder)
        server.start()
        server.prepare()
        yield server
        server.stop("immediate")


@pytest.fixture(params=["pgmq", "rabbitmq"])
def stand(
    request: pytest.FixtureRequest,
    cluster: Postgres,
    settings: Settings,
    tmp_path: Path,
    free_port: Callable[[], int],
) -> Iterator[Stand]:
    """A stand on each broker, with an empty database of its own."""
    cluster.start()
    name = f"stand_{secrets.token_hex(4)}"
    cluster.psql("-c", f"create database {name} owner hexad_owner")
    own = msgspec.structs.replace(
        settings,
        var=tmp_path,
        database_url=cluster.url("hexad_app", name),
        owner_url=cluster.url("hexad_owner", name),
        worker_port=free_port(),
        relay_port=free_port(),
        beat_port=free_port(),
        api_port=free_port(),
        mailer_port=free_port(),
        worker_silence=3.0,
        job_timeout=3.0,
        job_backoff=0.2,
        drain=10.0,
    )
    asyncio.run(migrate(own.owner_url, own))
    for chosen in [own] if request.param == "pgmq" else on_rabbitmq(own):
        with Stand(cluster, chosen, tmp_path, free_port) as made:
            yield made
    cluster.start()
    cluster.psql("-c", f"drop database {name} with (force)")
