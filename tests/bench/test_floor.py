"""The floor answers the same as ours would, to whoever asks."""

from litestar.testing import AsyncTestClient

from bench import brokerage, floor
from hexad.embedded import Postgres
from kernel.settings import Settings


async def test_it_reads_and_lists(bare: Settings, postgres: Postgres) -> None:
    name = bare.database_url.split("?")[0].rsplit("/", 1)[-1]
    broker = (await brokerage.brokers(postgres, name, 1, 1))[0]
    async with AsyncTestClient(floor.application()) as client:
        listed = (await client.get(f"/customers?employee={broker.id}")).json()
        assert len(listed["items"]) == 20
        assert listed["next"]
        wanted = broker.customers[0]
        found = (await client.get(f"/customers/{wanted.customer_no}?employee={broker.id}")).json()
        assert found["name"] == wanted.name
        assert (await client.get(f"/customers/nobody?employee={broker.id}")).status_code == 404
