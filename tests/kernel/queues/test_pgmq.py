"""PGMQ: what PostgreSQL cannot store is refused, and one that is away is said to be."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import msgspec
import pytest

from hexad.embedded import Postgres
from kernel.errors import InvalidInput, Unavailable
from kernel.queues import RECEIPTS
from kernel.queues.broker import open_queues
from kernel.queues.client import Message
from kernel.queues.pgmq import PgmqQueues
from kernel.settings import Settings


async def test_text_that_postgresql_cannot_store_is_refused(own_settings: Settings) -> None:
    queues = PgmqQueues(own_settings)
    with pytest.raises(InvalidInput):
        await queues.publish(RECEIPTS, [Message(b'{"a": "\\u0000"}')])
    assert await queues.size(RECEIPTS) == 0
    await queues.close()


async def test_postgresql_away_is_said(settings: Settings) -> None:
    queues = PgmqQueues(msgspec.structs.replace(settings, database_url="postgresql://x@127.0.0.1:1/x"))
    for _ in range(3):
        with pytest.raises(Unavailable, match="PostgreSQL"):
            await queues.size(RECEIPTS)
    await queues.close()


@pytest.fixture
def gateway(postgres: Postgres, own_settings: Settings) -> Iterator[tuple[str, str]]:
    """A role with the grants that the documents give a gateway, and its address."""
    name, database = f"gw-{secrets.token_hex(4)}", own_settings.database_url.partition("@/")[2].partition("?")[0]
    text = Path("docs/gateways.md").read_text()
    grants = text[text.index("create role") :].partition("```")[0].replace('"cmcc-1"', f'"{name}"')
    postgres.psql("-c", grants, database=database)
    yield name, postgres.url(quote(name), database)
    postgres.psql("-c", f'drop owned by "{name}"', "-c", f'drop role "{name}"', database=database)


async def test_the_database_names_whoever_writes_and_shows_them_nothing_of_others(
    own_settings: Settings, gateway: tuple[str, str]
) -> None:
    name, url = gateway
    theirs = await asyncpg.connect(url)
    for headers in ("null", '\'{"x-hexad-publisher": "hexad_app", "a": 1}\'', "'[]'", "'5'"):
        await theirs.execute(f"select pgmq.send('gateway_receipts', '\"theirs\"', {headers}::jsonb)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await theirs.fetch("select message from pgmq.q_gateway_inbound")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await theirs.execute("select pgmq.send('outbound_email_service_main', '1')")
    await theirs.close()
    async with open_queues(own_settings) as queues:
        await queues.publish(RECEIPTS, [Message(b'"ours"', {"b": 2})])
        taken = await queues.take(RECEIPTS, 9, lease=30)
    assert [one.publisher for one in taken] == [name] * 4 + [None]
    assert [dict(one.headers) for one in taken] == [{}, {"a": 1}, {}, {}, {"b": 2}]
