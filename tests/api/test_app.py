"""The application as a whole: what it needs to start, and that it closes what it opened."""

import asyncio

import msgspec
import pytest

from api.app import create
from identity import principal
from kernel.bus.choice import open_bus
from kernel.errors import Misconfigured
from kernel.settings import Settings
from kernel.store.database import Database
from mobile_contracts.event import SessionEnded
from tests.api.conftest import Open, SignIn
from tests.brokers import bus_settings

__all__ = ["bus_settings"]


def test_without_a_key_for_tokens_it_says_how_to_make_one(own_settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="HEXAD_TOKEN_KEY"):
        create(msgspec.structs.replace(own_settings, token_key=""))


async def test_it_opens_without_a_database_and_closes(open_api: Open, own_settings: Settings) -> None:
    away = own_settings.database_url.replace("/run", "/nowhere")
    async with open_api(msgspec.structs.replace(own_settings, database_url=away)) as client:
        assert (await client.get("/health/live")).status_code == 200


async def test_what_the_bus_says_is_heard(
    open_api: Open, bus_settings: Settings, sign_in: SignIn, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principal, "REMEMBERED_SECONDS", 600)
    headers = await sign_in()
    async with open_api(bus_settings) as api, open_bus(bus_settings) as bus, asyncio.timeout(20):
        assert (await api.get("/v1/staff/calendar", headers=headers)).status_code == 200
        async with database.transaction() as tx:
            session_id = await tx.fetchval("select id from session")
            await principal.end_session(tx, session_id, "the phone was lost")
        while (await api.get("/v1/staff/calendar", headers=headers)).status_code == 200:
            await bus.tell([SessionEnded(session_id=session_id)])
