"""The permission on the route line: who asks is found out here, once, and refused here."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api.edge.headers import header, request_id
from api.edge.limits import Buckets
from api.edge.request import HttpRequest
from identity.principal import Identities
from kernel.errors import NotAllowed, NotSignedIn, RateLimited
from kernel.security.scope import NOTHING, Audience, Principal, Scope

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]
PUBLIC = "public"


def may(permission: str) -> Guard:
    """The route asks for this permission, in the audience under whose path it stands.

    Raises `NotSignedIn`, `NotAllowed`, or `RateLimited` when the principal asks too often.
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        audience = cast("Audience", handler.opt["audience"])
        principal = await _principal(connection, audience)
        if permission not in principal.permissions:
            raise NotAllowed(f"permission {permission}", f"权限 {permission}")
        asgi: Any = connection.scope
        asgi["hexad_reach"] = principal.permissions[permission]

    guard.permission = permission  # type: ignore[attr-defined]
    return guard


def public(why: str) -> Guard:
    """The route is open to everybody, for a reason that stands beside it."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        return None

    guard.permission, guard.why = PUBLIC, why  # type: ignore[attr-defined]
    return guard


def provide_who(request: HttpRequest) -> Scope:
    """The scope of the principal that the guard found; the only place where one is made for a request."""
    asgi: Any = request.scope
    principal = asgi.get("hexad_principal")
    if not isinstance(principal, Principal):
        raise NotSignedIn
    return Scope(principal=principal, reach=asgi.get("hexad_reach", NOTHING), request_id=request_id(asgi))


async def _principal(connection: ASGIConnection[Any, Any, Any, Any], audience: Audience) -> Principal:
    kind, _, token = header(connection.scope, b"authorization").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise NotSignedIn
    identities: Identities = connection.app.state.identities
    principal, _expires = await identities.of(token.strip(), audience)
    asgi: Any = connection.scope
    asgi["hexad_principal"], asgi["hexad_principal_name"] = principal, principal.name
    buckets: Buckets = connection.app.state.principal_buckets
    taken, allowance = buckets.take(principal.name)
    asgi["hexad_allowances"].append(allowance)
    if not taken:
        # raised by: themselves
        raise RateLimited(allowance.wait)
    return principal
