"""The HTTP application: one per process, made from the settings."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from typing import get_args

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.types import ASGIApp

from api.edge.answer import Answer
from api.edge.asked import check_asked
from api.edge.catalogue import catalogue
from api.edge.errors import HANDLERS
from api.edge.gate import Gate
from api.edge.limits import Buckets
from api.edge.places import Places
from api.edge.request import HttpRequest
from api.routes import AUDIENCES, audience_router, routers
from centers.customer.contact import Seals
from centers.customer.home import Homes
from identity.door import Door
from identity.principal import Identities, Tokens
from kernel.bus.choice import open_bus
from kernel.calendar import days
from kernel.process.parent import end_with_parent
from kernel.security.crypto import BlindIndex, Fields
from kernel.settings import Settings, current, words
from kernel.settings.keys import gateway_keys
from kernel.store.database import Database
from kernel.telemetry import logs, metrics, tracing
from mobile_contracts.frame import Asked
from notifications.gateway import known

_GARBAGE = (10_000, 20, 20)


def create(settings: Settings) -> ASGIApp:
    """The application with everything around it; its pool opens with it and closes with it."""
    return furnished(built(tuple(words(settings.audiences))), settings)


def built(audiences: tuple[str, ...]) -> Litestar:
    """The routes of these audiences, ready to be furnished: what takes long, and is the same for all settings."""
    return Litestar(
        route_handlers=routers(audiences),
        exception_handlers=HANDLERS,
        compression_config=CompressionConfig(
            backend="brotli", brotli_quality=4, brotli_gzip_fallback=True, minimum_size=400
        ),
        request_class=HttpRequest,
        response_class=Answer,
        before_request=check_asked,
        request_max_body_size=None,  # the gate has read it in its bounds
        openapi_config=None,
        logging_config=None,
        lifespan=[_open],
    )


def furnished(app: Litestar, settings: Settings) -> ASGIApp:
    """The same with all that its routes work with, behind its gate."""
    rate = settings.rate_per_principal / settings.api_workers
    app.state.settings = settings
    app.state.draining = False
    app.state.tokens = Tokens(settings)
    app.state.catalogue = catalogue((audience_router(one) for one in (*AUDIENCES, "auth")), get_args(Asked))
    app.state.homes = Homes()
    app.state.seals = Seals(Fields(settings), BlindIndex(settings))
    app.state.gateway_keys = gateway_keys(settings.gateway_secrets)
    app.state.gateways = known.gateways(settings)
    app.state.door = Door(settings, app.state.tokens)
    app.state.principal_buckets = Buckets(rate, rate * settings.rate_burst)
    app.state.places = Places(settings.api_inflight)
    return Gate(app, settings, app.state.places, app.state.tokens)


def application() -> ASGIApp:
    """What the server's worker process loads: settings from its environment, logging and metrics of its own."""
    end_with_parent()
    settings = current()
    logs.configure("api", settings)
    metrics.start("api")
    tracing.start("api", settings)
    app = create(settings)
    gc.collect()
    gc.freeze()  # what is made by now lives as long as the process: looking through it took a quarter of its time
    gc.set_threshold(*_GARBAGE)
    return app


@contextlib.asynccontextmanager
async def _open(app: Litestar) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.database = await Database.open(settings.database_url, settings, minimum=0, plan_once=True)
    days.package_says(days.today())  # loads the package now, not in somebody's request
    app.state.identities = Identities(app.state.tokens, app.state.database)
    async with open_bus(settings) as bus:
        identities: Identities = app.state.identities
        beside = [asyncio.create_task(bus.listen(identities.heard)), asyncio.create_task(identities.watch())]
        try:
            yield
        finally:
            app.state.draining = True
            for one in beside:
                one.cancel()
            await app.state.door.close()
            await app.state.database.close()
            await asyncio.to_thread(tracing.stop)
