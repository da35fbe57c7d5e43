"""The peer answers to a good token alone, and within the scope of its broker."""

import os

import httpx
import jwt
import pytest

from bench import brokerage
from hexad.embedded import Postgres
from kernel.settings import Settings

pytest.importorskip("fastapi", reason="the peer's packages come by `uv sync --group bench`")
pytest.importorskip("sqlalchemy")


def headers(broker: int, secret: str) -> dict[str, str]:
    """A token of the peer."""
    return {"Authorization": f"Bearer {jwt.encode({'sub': str(broker), 'aud': 'staff'}, secret, algorithm='HS256')}"}


async def test_it_reads_and_lists_within_the_scope(bare: Settings, postgres: Postgres) -> None:
    from bench import peer

    name = bare.database_url.split("?")[0].rsplit("/", 1)[-1]
    mine, theirs = await brokerage.brokers(postgres, name, 2, 1)
    app, good = peer.application(), headers(mine.id, os.environ["BENCH_SECRET"])
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://peer") as client,
    ):
        assert len((await client.get("/customers", headers=good)).json()["items"]) == 20
        found = await client.get(f"/customers/{mine.customers[0].customer_no}", headers=good)
        assert found.json()["name"] == mine.customers[0].name
        foreign = headers(theirs.id + 1000, os.environ["BENCH_SECRET"])
        assert (await client.get(f"/customers/{mine.customers[0].customer_no}", headers=foreign)).status_code == 404
        forged = headers(mine.id, "another secret of thirty-two bytes")
        assert (await client.get("/customers", headers=forged)).status_code == 401
