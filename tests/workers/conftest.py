"""What the tests of the workers share: both brokers, and jobs done in this process."""

import msgspec
import pytest
import uuid_utils.compat as uuid

from hexad.embedded import Postgres
from kernel.queues.broker import make_queues
from kernel.settings import Settings
from kernel.store.database import Database
from tests.brokers import broker
from tests.workers import odd
from workers import handlers
from workers.runtime.job import Jobs
from workers.runtime.registry import Means

__all__ = ["broker", "handlers", "odd"]


def means(settings: Settings, database: Database) -> Means:
    """What a child gives to its handlers; the client connects when first used."""
    return Means(settings, make_queues(settings), database)


@pytest.fixture
def quick(own_settings: Settings) -> Settings:
    """Settings with which nothing takes long."""
    return msgspec.structs.replace(
        own_settings, job_timeout=2.0, job_backoff=0.01, lock_timeout=0.3, worker_silence=2.0
    )


@pytest.fixture
async def jobs(database: Database, quick: Settings) -> Jobs:
    """A worker child without its process."""
    worker = uuid.uuid7()
    async with database.transaction() as tx:
        await tx.execute("insert into worker (id, host, pid) values ($1, 'test', 1)", worker)
    return Jobs(database, worker, means(quick, database))


@pytest.fixture
def postgres_superuser(postgres: Postgres, own_settings: Settings) -> str:
    """The address of the test's own database for the superuser, whom row-level security does not hold."""
    return postgres.url("postgres", own_settings.database_url.split("/")[3].split("?")[0])
