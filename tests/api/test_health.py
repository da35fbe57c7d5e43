"""Whoever operates the process learns whether it lives, serves, and how it does."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open, SignIn


async def test_it_is_ready_when_the_database_is_migrated(
    api: httpx.AsyncClient, database: Database, own_settings: Settings
) -> None:
    assert (await api.get("/health/live")).json() == {"status": "ok"}
    assert (await api.get("/health/ready")).status_code == 200


@pytest.fixture
async def elsewhere(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose address may not read metrics."""
    async with open_api(msgspec.structs.replace(own_settings, metrics_from="192.0.2.0/24")) as client:
        yield client


async def test_metrics_count_requests_by_route(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    await api.get("/v1/staff/calendar/2026-11-23", headers=await sign_in())
    answer = await api.get("/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    text = answer.text
    assert 'hexad_http_requests_total{method="GET",route="/v1/staff/calendar/{day}",status="200"}' in text
    assert "hexad_pool_connections_free" in text


async def test_metrics_look_missing_from_elsewhere(elsewhere: httpx.AsyncClient) -> None:
    assert (await elsewhere.get("/metrics")).status_code == 404
