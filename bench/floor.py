"""The floor: the same server and framework and the same SELECTs, without sign-in, scope, policies or transaction.

Whose customers are listed stands in the address, for somebody must say so; the role reads past row-level security.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.http import HTTP1Settings
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from centers.customer import customer, lists
from kernel.store.sql import load
from mobile_contracts.base import Page
from mobile_contracts.customer.customer import Account, Customer, CustomerLine, Home, Relation

_MOST, _LAST_ID, _SIZE = lists.MOST, 2**31 - 1, 20
_detail = load(Path(customer.__file__).with_suffix(".sql"), Account, Customer, Home, Relation).find.sql
_list = load(Path(__file__).with_suffix(".sql"), CustomerLine).richest.sql


@get("/customers/{customer_no:str}")
async def read_customer(state: State, customer_no: FromPath[str], employee: FromQuery[int]) -> Customer:
    """One customer of an employee."""
    async with state.pool.acquire() as connection:
        row = await connection.fetchrow(_detail, customer_no, (), None, (employee,))
    if row is None:
        raise NotFoundException
    return Customer(*row)


@get("/customers")
async def list_customers(state: State, employee: FromQuery[int]) -> Page[CustomerLine]:
    """The richest twenty of an employee."""
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(_list, employee, _MOST, _LAST_ID, -_MOST, _MOST, None, None, None, _SIZE + 1)
    return Page([CustomerLine(*row) for row in rows[:_SIZE]], "more" if len(rows) > _SIZE else None)


def application() -> Litestar:
    """What the server loads."""
    return Litestar([read_customer, list_customers], lifespan=[_open], openapi_config=None, logging_config=None)


@contextlib.asynccontextmanager
async def _open(app: Litestar) -> AsyncIterator[None]:
    url, size = os.environ["BENCH_DATABASE_URL"], int(os.environ["BENCH_POOL"])
    once = {"plan_cache_mode": "force_generic_plan"}  # as ours: a floor that plans every query would be too low
    async with asyncpg.create_pool(url, min_size=0, max_size=size, server_settings=once) as pool:
        app.state.pool = pool
        yield


if __name__ == "__main__":
    Granian(
        "bench.floor:application", factory=True, interface=Interfaces.ASGI, address="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]), workers=1, loop=Loops.uvloop, backlog=1024, websockets=False,
        http1_settings=HTTP1Settings(), log_access=False,
    ).serve()  # fmt: skip
