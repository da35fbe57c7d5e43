"""A small house of the benchmark in the database of the tests."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from bench import brokerage
from hexad.embedded import Postgres
from kernel.settings import Settings

CUSTOMERS = 2000


@pytest.fixture(scope="session")
def house(postgres: Postgres, base_settings: Settings) -> Iterator[Settings]:
    """The settings of a database with 2,000 customers."""
    name = asyncio.run(brokerage.filled(postgres, base_settings, CUSTOMERS, lambda done, total: None))
    yield msgspec.structs.replace(
        base_settings, database_url=postgres.url("hexad_app", name), owner_url=postgres.url("hexad_owner", name)
    )
    postgres.psql("-c", f"drop database {name} with (force)")


@pytest.fixture
def bare(house: Settings, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What floor and peer are given in their environment."""
    monkeypatch.setenv("BENCH_DATABASE_URL", postgres.url(brokerage.READER, f"bench_{CUSTOMERS}"))
    monkeypatch.setenv("BENCH_POOL", "2")
    monkeypatch.setenv("BENCH_SECRET", "a secret of thirty-two characters")
    return house
