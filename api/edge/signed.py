"""Routes of gateways: who asks is found out by the signature of the request, which is good once."""

import time
from collections.abc import AsyncGenerator
from typing import Any, cast
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation

from api.edge.dependencies import Who
from api.edge.headers import header
from api.edge.identify import Guard
from api.edge.limits import Buckets
from api.edge.request import HttpRequest
from kernel.errors import RateLimited
from kernel.security import scope
from kernel.security.scope import Principal
from kernel.settings.keys import GatewayKey
from kernel.store.database import Database, Tx
from notifications.gateway import signature

SIGNED = "signed"
_NO_SESSION = UUID(int=0)

Gateway = NamedDependency[SkipValidation[GatewayKey]]
"""The key with which the request was signed, and so which gateway asks."""


def signed() -> Guard:
    """The route asks for a signature, however it was come by; no role gives it.

    Raises `SignatureRefused`, `ClockSkewed`, or `RateLimited` when the gateway asks too often.
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        request = cast("HttpRequest", connection)
        names = (b"x-hexad-gateway", b"x-hexad-timestamp", b"x-hexad-signature")
        name, timestamp, given = (header(request.scope, one) for one in names)
        keys = request.app.state.gateway_keys
        key, used = signature.check(keys, name, timestamp, given, await request.body(), time.time())
        asgi: Any = request.scope
        principal = Principal(audience="gateway", subject=key.name, session_id=_NO_SESSION, device_id="")
        asgi["hexad_principal"], asgi["hexad_principal_name"] = principal, principal.name
        asgi["hexad_gateway"], asgi["hexad_signature"] = key, used
        buckets: Buckets = request.app.state.principal_buckets
        taken, allowance = buckets.take(principal.name)
        asgi["hexad_allowances"].append(allowance)
        if not taken:
            # raised by: themselves
            raise RateLimited(allowance.wait)

    guard.permission = SIGNED  # type: ignore[attr-defined]
    return guard


async def provide_signed_tx(request: HttpRequest, who: Who) -> AsyncGenerator[Tx, None]:
    """The transaction of the request, in which its signature is used up."""
    database: Database = request.app.state.database
    asgi: Any = request.scope
    async with database.transaction() as tx:
        await scope.apply(tx, who)
        await signature.use(tx, who.principal.subject, asgi["hexad_signature"])
        yield tx


def provide_gateway(request: HttpRequest) -> GatewayKey:
    """The key that the guard found."""
    asgi: Any = request.scope
    return cast("GatewayKey", asgi["hexad_gateway"])


DEPENDENCIES = {
    "tx": Provide(provide_signed_tx),
    "gateway": Provide(provide_gateway, sync_to_thread=False),
}
"""What a route of gateways may ask for besides what every route may."""
