"""Whether this process lives, whether it can serve, and its metrics."""

import asyncio

from litestar import Response, Router, get

from api.edge.identify import public
from api.edge.places import Places
from api.edge.request import HttpRequest
from kernel.errors import HexadError, NotFound
from kernel.process.address import inside, networks
from kernel.schema.migrate import applied, migrations
from kernel.store.database import Database
from kernel.telemetry import metrics

_READY_SECONDS = 2.0
_FULL_SECONDS = 2.0


@get("/health/live", guards=[public("orchestrators have no token")], include_in_schema=False)
async def live() -> dict[str, str]:
    """The event loop answers."""
    return {"status": "ok"}


@get("/health/ready", guards=[public("orchestrators have no token")], include_in_schema=False)
async def ready(request: HttpRequest) -> Response[dict[str, str]]:
    """503 while draining, full for some time, without a database, or before it is migrated."""
    problem, instance = await _problem(request), request.app.state.database.lineage.instance
    if problem:
        return Response({"status": "unready", "problem": problem, "instance": instance}, status_code=503)
    return Response({"status": "ok", "instance": instance})


@get("/metrics", guards=[public("limited to HEXAD_METRICS_FROM")], include_in_schema=False)
async def read_metrics(request: HttpRequest) -> Response[bytes]:
    """Prometheus metrics, only for the networks of HEXAD_METRICS_FROM; looks missing from elsewhere."""
    allowed = networks(request.app.state.settings.metrics_from)
    if not inside(str(request.scope.get("hexad_client", "")), allowed):
        raise NotFound
    database: Database = request.app.state.database
    metrics.POOL_FREE.set(database.free)
    metrics.POOL_WAITING.set(database.waiting)
    body, media_type = metrics.render()
    return Response(body, headers={"content-type": media_type})  # as a media type it would get a second charset


async def _problem(request: HttpRequest) -> str:
    if request.app.state.draining:
        return "draining"
    places: Places = request.app.state.places
    if places.full_for() > _FULL_SECONDS:
        return f"{places.at_most} requests are in work, as many as HEXAD_API_INFLIGHT allows: more get 503"
    try:
        async with asyncio.timeout(_READY_SECONDS), request.app.state.database.connection() as connection:
            behind = len(migrations()) - await applied(connection)
    except (HexadError, TimeoutError, OSError) as error:
        return f"database: {error.title if isinstance(error, HexadError) else type(error).__name__}"
    return f"{behind} migrations to apply: run `hexad migrate`" if behind > 0 else ""


health = Router("", route_handlers=[live, ready, read_metrics])
