"""One request, one connection: with a pool of one every route answers, and a crowd at once gets right answers."""

import asyncio
from collections import Counter

import httpx
import msgspec

from api.routes import audience_router
from hexad.embedded import Postgres
from kernel.settings import Settings
from kernel.store.database import Database
from tests.api.conftest import Open
from tests.api.one_connection import Watched, noted
from tests.api.test_routes_matrix import ROUTES, house
from tests.brokerage import Brokerage
from tests.products import Investor

__all__ = ["house"]
CROWD = 200
_PATIENT = {"rate_per_principal": 1e6, "rate_per_address": 1e6, "pool_wait": 60.0}
"""How long the machine takes is not what is asked here."""


async def test_with_a_pool_of_one_every_route_answers(open_api: Open, own_settings: Settings, house: Brokerage) -> None:
    headers = {"staff": await house.headers("1010"), "investor": await house.headers("88000001", "investor")}
    async with open_api(msgspec.structs.replace(own_settings, **_PATIENT, pool_size=1)) as api:
        for route in ROUTES:
            assert await route.ask(api, headers.get(route.audience, {})) < 500, route
        for open_route in audience_router("auth").routes:
            for method in open_route.methods - {"OPTIONS", "HEAD"}:
                answer = await api.request(method, open_route.path, json={} if method == "POST" else None)
                assert answer.status_code < 500, (method, open_route.path)


async def crowd(shop: Brokerage) -> list[str]:
    """So many customers whom a product of risk 3 suits."""
    numbers = [str(88100000 + number) for number in range(CROWD)]
    for no in numbers:
        await shop.customer(no, "b1", mobile_no=f"139{no}")
    await shop.execute("update customer set risk_level = 3, risk_assessed_on = current_date")
    return numbers


async def test_a_crowd_that_subscribes_at_once_gets_right_answers(
    open_api: Open, own_settings: Settings, shop: Brokerage
) -> None:
    numbers = await crowd(shop)
    async with open_api(msgspec.structs.replace(own_settings, **_PATIENT)) as api:
        investors = [await Investor.at(api, shop, no) for no in numbers]
        asked = await asyncio.gather(*(investor.post("/products/P3/code") for investor in investors))
        assert Counter(answer.status_code for answer in asked) == {202: CROWD}
        given = [await investor.sent() for investor in investors]
        wrong = [f"{(int(code) + 1) % 10**6:06}" for code in given]
        for tried, status in ((wrong, 409), (given, 201), (given, 409)):
            answers = await asyncio.gather(
                *(investor.subscribe(code=code) for investor, code in zip(investors, tried, strict=True))
            )
            assert Counter(answer.status_code for answer in answers) == {status: CROWD}


async def test_what_was_tried_is_kept_and_what_was_refused_is_not(
    api: httpx.AsyncClient, shop: Brokerage, postgres: Postgres, own_settings: Settings
) -> None:
    investor = await Investor.at(api, shop)
    code = await investor.code()
    await investor.subscribe(code="000000" if code != "000000" else "111111")
    assert (await shop._row("select tries from one_time_code"))[0] == 1
    assert (await shop._row("select count(*) from suitability"))[0] == 2  # one asked for the code, one subscribed
    trap = "create function refuse() returns trigger language plpgsql as 'begin return null; end'"
    trigger = "create trigger refuse before insert on subscription for each row execute function refuse()"
    name = own_settings.owner_url.split("?")[0].rsplit("/")[-1]
    postgres.psql("-c", trap, "-c", trigger, database=name)  # as if somebody else were faster
    refusal = await investor.subscribe(code=code)
    assert (refusal.status_code, refusal.json()["code"]) == (409, "already_subscribed")
    assert (await shop._row("select used_at from one_time_code"))[0] is None


async def test_a_second_connection_is_noted(database: Database) -> None:
    async def greedy(scope: object, receive: object, send: object) -> None:
        async with database.transaction(), database.transaction():
            pass
        async with database.transaction():
            pass

    greedy.inner = greedy  # type: ignore[attr-defined]
    with noted() as seconds:
        await Watched(greedy)({}, None, None)
        async with database.transaction(), database.transaction():
            pass
    assert len(seconds) == 1


def test_as_many_may_wait_for_a_connection_as_may_be_in_work() -> None:
    settings = Settings()
    assert settings.pool_waiters + settings.pool_size >= settings.api_inflight
