"""A request's writes are committed before its answer is sent, or not at all; the database away is told honestly."""

import uuid

import httpx
import msgspec

from hexad.embedded import Postgres
from identity.principal import Tokens
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open, SignIn


async def test_what_was_answered_is_committed(api: httpx.AsyncClient, database: Database, sign_in: SignIn) -> None:
    headers = {**await sign_in(), "If-Match": '"0"'}
    await api.put("/v1/staff/calendar/2026-11-23", json={"open": False}, headers=headers)
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from trading_day") == 1


async def test_what_failed_at_the_end_left_nothing(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn, postgres: Postgres, own_settings: Settings
) -> None:
    headers = {**await sign_in(), "If-Match": '"0"'}
    name = own_settings.owner_url.split("?")[0].rsplit("/")[-1]
    trap = "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
    trigger = (
        "create constraint trigger refuse after insert on audit deferrable initially deferred"
        " for each row execute function refuse()"
    )
    postgres.psql("-c", trap, "-c", trigger, database=name)
    answer = await api.put("/v1/staff/calendar/2026-11-23", json={"open": False}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    async with database.transaction() as tx:
        assert await tx.fetchval("select count(*) from trading_day") == 0
        assert await tx.fetchval("select count(*) from outbox") == 0


async def test_without_a_database_the_answer_is_503(open_api: Open, own_settings: Settings) -> None:
    away = own_settings.database_url.replace("/run", "/nowhere")
    async with open_api(msgspec.structs.replace(own_settings, database_url=away)) as client:
        token = Tokens(own_settings).issue("staff", "1", uuid.uuid4())
        answer = await client.get("/v1/staff/jobs", headers={"Authorization": f"Bearer {token}"})
        ready = await client.get("/health/ready")
        live = await client.get("/health/live")
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
    assert (ready.status_code, live.status_code) == (503, 200)
