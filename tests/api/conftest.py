"""The real application on a database of its own, asked over HTTP semantics without a socket."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State

from api.app import built, furnished
from identity import principal
from identity.principal import Tokens
from kernel.security.scope import Audience
from kernel.settings import Settings, words
from kernel.store.database import Database
from mobile_contracts.event import Event
from tests.api.one_connection import Watched, noted
from tests.brokerage import Brokerage, small
from tests.products import stocked

Open = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]
SignIn = Callable[..., Any]

_FREE: defaultdict[tuple[str, ...], list[Litestar]] = defaultdict(list)
"""Applications that nobody uses now, by audiences: each test furnishes one anew."""


@contextlib.contextmanager
def lent(audiences: tuple[str, ...]) -> Iterator[Litestar]:
    """An application without furniture, which nobody else uses meanwhile; building one takes longer than most tests."""
    app = _FREE[audiences].pop() if _FREE[audiences] else built(audiences)
    try:
        yield app
    finally:
        app.state = State()
        _FREE[audiences].append(app)


@contextlib.asynccontextmanager
async def lasting(app: Litestar) -> AsyncIterator[None]:
    """The application's lifespan, opened and closed by one task as a server does."""
    started, stopping = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stopping.wait()

    life = asyncio.create_task(live())
    await asyncio.wait({life, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stopping.set()
        await life


def hears(api: httpx.AsyncClient, event: Event) -> None:
    """Tells the application what the bus would tell it."""
    transport: Any = api._transport
    transport.app.inner.state.identities.heard(event)


@pytest.fixture
def open_api() -> Open:
    """Opens the application with these settings and gives a client of it."""

    @contextlib.asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        with lent(tuple(words(settings.audiences))) as app:
            gate: Any = furnished(app, settings)
            transport = httpx.ASGITransport(app=Watched(gate), raise_app_exceptions=False)
            headers = {"Accept-Language": "en"}
            with noted() as seconds:
                async with (
                    lasting(app),
                    httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client,
                ):
                    yield client
            assert seconds == []

    return opened


@pytest.fixture
async def api(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on the test's own database."""
    async with open_api(own_settings) as client:
        yield client


@pytest.fixture
async def shop(database: Database, own_settings: Settings) -> Brokerage:
    """A small brokerage with three products."""
    house = await small(database, own_settings)
    await stocked(house)
    return house


@pytest.fixture
def sign_in(database: Database, own_settings: Settings) -> SignIn:
    """Opens a session and gives the headers of a request in it."""

    async def signed_in(
        role: str = "administrator", audience: Audience = "staff", subject: str = "10086"
    ) -> dict[str, str]:
        async with database.transaction() as tx:
            session_id = await principal.open_session(tx, audience, subject, [role], "phone-1", 3600)
        return {"Authorization": f"Bearer {Tokens(own_settings).issue(audience, subject, session_id)}"}

    return signed_in
