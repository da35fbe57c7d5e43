"""Whatever is wrong with a request, nothing that was begun for it stays open."""

import asyncio
import gc
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from api.routes import documents_of
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open
from tests.brokerage import small

OPERATIONS = [
    (audience, method.upper(), re.sub(r"\{[^}]*\}", "1", path))
    for audience, document in documents_of().items()
    if audience != "gateway"
    for path, methods in document["paths"].items()
    for method in methods
]


@pytest.fixture
def hoarding() -> Iterator[None]:
    """What is lost is not found again by the garbage collector."""
    gc.disable()
    yield
    gc.enable()


async def test_no_connection_is_lost_by_what_is_refused(
    open_api: Open, database: Database, own_settings: Settings, hoarding: None
) -> None:
    settings = msgspec.structs.replace(own_settings, pool_size=3, rate_per_principal=1e6, rate_per_address=1e6)
    house = await small(database, own_settings)
    await house.employee("1099", "b1", "administrator", "branch_manager", "compliance", "head_office_marketing")
    headers = {"staff": await house.headers("1099"), "investor": await house.headers("88000001", "investor")}
    async with open_api(settings) as client:
        for audience, method, path in OPERATIONS:
            await _refused(client, method, path, headers.get(audience, {}))
            await _all_free(client, f"{method} {path}")


async def _refused(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> None:
    given = {**headers, "If-Match": "*", "Idempotency-Key": f"malformed {path}"[:90]}
    for query, body in (("?limit=0", None), ("?cursor=0&from=x", b"{}"), ("?q=%00", b"{"), ("", b'{"x": 1}')):
        request = client.build_request(method, path + query, headers=given, content=body)
        request.headers["Content-Type"] = "application/json"
        assert (await client.send(request)).status_code < 500


async def _all_free(client: httpx.AsyncClient, where: str) -> None:
    """Waits for what others of the process hold for a moment: a lost connection never comes back."""
    transport: Any = client._transport
    pool: Database = transport.app.inner.state.database
    try:
        async with asyncio.timeout(60):
            while pool.free < 3:
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{where} lost a connection")
