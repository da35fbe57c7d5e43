"""The HTTP application: one per process, made from the settings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.types import ASGIApp

from api.edge.answer import Answer
from api.edge.gate import Gate
from api.edge.limits import Buckets
from api.edge.request import HttpRequest
from api.errors import HANDLERS
from api.routes import routers
from kernel import calendar, logs, metrics, tracing
from kernel.bus.choice import open_bus
from kernel.database import Database
from kernel.identity import Identities, Tokens
from kernel.parent import end_with_parent
from kernel.settings import Settings, current, words

BODY_AT_MOST = 1 << 20


def create(settings: Settings) -> ASGIApp:
    """The application with everything around it; its pool opens with it and closes with it."""
    rate = settings.rate_per_principal / settings.api_workers
    app = Litestar(
        route_handlers=routers(tuple(words(settings.audiences))),
        exception_handlers=HANDLERS,
        compression_config=CompressionConfig(
            backend="brotli", brotli_quality=4, brotli_gzip_fallback=True, minimum_size=400
        ),
        request_class=HttpRequest,
        response_class=Answer,
        request_max_body_size=BODY_AT_MOST,
        openapi_config=None,
        logging_config=None,
        lifespan=[_open(settings)],
    )
    app.state.settings = settings
    app.state.draining = False
    app.state.tokens = Tokens(settings)
    app.state.principal_buckets = Buckets(rate, rate * settings.rate_burst)
    return Gate(app, settings)


def application() -> ASGIApp:
    """What the server's worker process loads: settings from its environment, logging and metrics of its own."""
    end_with_parent()
    settings = current()
    logs.configure("api", settings)
    metrics.start("api")
    tracing.start("api", settings)
    return create(settings)


def _open(settings: Settings) -> Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.database = await Database.open(settings.database_url, settings, minimum=0)
        calendar.package_says(calendar.today())  # loads the package now, not in somebody's request
        app.state.identities = Identities(app.state.tokens, app.state.database)
        async with open_bus(settings) as bus:
            listening = asyncio.create_task(bus.listen(app.state.identities.heard))
            try:
                yield
            finally:
                app.state.draining = True
                listening.cancel()
                await app.state.database.close()

    return lifespan
