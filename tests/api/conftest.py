"""The real application on a database of its own, asked over HTTP semantics without a socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from litestar import Litestar

from api.app import create
from kernel import identity
from kernel.database import Database
from kernel.identity import Tokens
from kernel.scope import Audience
from kernel.settings import Settings
from mobile_contracts.event import Event

Open = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]
SignIn = Callable[..., Any]


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
        app: Any = create(settings)
        async with lasting(app.inner):
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://api.test", headers={"Accept-Language": "en"}
            ) as client:
                yield client

    return opened


@pytest.fixture
async def api(open_api: Open, own_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on the test's own database."""
    async with open_api(own_settings) as client:
        yield client


@pytest.fixture
def sign_in(database: Database, own_settings: Settings) -> SignIn:
    """Opens a session and gives the headers of a request in it."""

    async def signed_in(
        role: str = "administrator", audience: Audience = "staff", subject: str = "10086"
    ) -> dict[str, str]:
        async with database.transaction() as tx:
            session_id = await identity.open_session(tx, audience, subject, [role], "phone-1", 3600)
        return {"Authorization": f"Bearer {Tokens(own_settings).issue(audience, subject, session_id)}"}

    return signed_in
