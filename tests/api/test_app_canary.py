"""Identity and mobile numbers that go through the API are in no log line, no trace, no event and no audit row."""

import asyncio
from collections.abc import Callable

import httpx
import msgspec
import pytest

from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.test_run import serving
from tests.brokerage import ID_NO, Brokerage, small
from tests.kernel.telemetry.test_tracing import Collector

MOBILE, OTHER = "13877776666", "13855554444"
CANARIES = (MOBILE, OTHER, ID_NO, MOBILE[3:], "555-54444")


@pytest.fixture
async def house(database: Database, own_settings: Settings) -> Brokerage:
    """With a customer who has numbers of their own."""
    house = await small(database, own_settings)
    await house.customer("88000077", "b1", brokers=["1001"], mobile_no=MOBILE)
    return house


async def ask(url: str, headers: dict[str, str]) -> None:
    """Sends the numbers through every door, well formed and not."""
    customer = f"{url}/v1/staff/customers/88000077"
    asked = {"field": "mobile", "reason": f"call {MOBILE}, has {ID_NO}"}
    async with httpx.AsyncClient(headers={**headers, "If-Match": '"0"'}, timeout=60) as api:
        for wanted in (
            api.get(f"{url}/v1/staff/customers", params={"q": MOBILE}),
            api.get(f"{url}/v1/staff/customers", params={"q": ID_NO, "status": MOBILE}),
            api.get(f"{url}/v1/staff/customers/{MOBILE}"),
            api.get(f"{url}/v1/staff/{ID_NO}"),
            api.post(f"{customer}/reveal", json=asked),
            api.post(f"{customer}/reveal", json={**asked, "field": "id_no"}),
            api.post(f"{customer}/reveal", json={"field": ID_NO}),
            api.patch(f"{customer}/contact", json={"mobile": OTHER}),
            api.patch(f"{customer}/contact", json={"mobile": "555-54444", MOBILE: 1}),
            api.post(f"{url}/v1/auth/investor/code", json={"login": MOBILE, "device_id": "d-1"}),
            api.post(f"{url}/v1/auth/investor/sign-in", json={"login": MOBILE, "password": ID_NO}),
            api.post(
                f"{url}/v1/auth/investor/password",
                json={"login": MOBILE, "device_id": "d-1", "code": "123456", "password": f"my number is {MOBILE}"},
            ),
        ):
            answer = await wanted
            assert answer.status_code < 500, answer.text


async def test_no_number_is_left_anywhere(
    house: Brokerage, own_settings: Settings, free_port: Callable[[], int], database: Database
) -> None:
    collector = Collector()
    settings = msgspec.structs.replace(
        own_settings, api_port=free_port(), otlp_endpoint=collector.url, log_level="DEBUG"
    )
    headers = await house.headers("1001")
    with serving(settings) as (_, url):
        await asyncio.wait_for(ask(url, headers), 60)
    collector.server.shutdown()
    collector.server.server_close()
    async with database.transaction() as tx:
        kept = await tx.fetchval("select string_agg(o::text, '') from (select payload::text from outbox) o")
        audit = await tx.fetchval("select string_agg(a::text, '') from audit a where action <> 'customer.reveal'")
        jobs = await tx.fetchval("select coalesce(string_agg(j::text, ''), '') from job j")
    log = (settings.var / "api.log").read_text()
    assert "/v1/staff/customers/{customer_no}/reveal" in log
    assert collector.requests
    for place in (log, str(collector.requests), kept, audit, jobs):
        assert [canary for canary in CANARIES if canary in place] == []
