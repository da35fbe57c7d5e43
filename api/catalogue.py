"""Every permission that a route names and a role can give, with the routes that name it."""

from collections.abc import Iterable

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.edge.identify import PUBLIC
from api.edge.signed import SIGNED
from mobile_contracts.role import Permission, Route


def catalogue(routers: Iterable[Router]) -> list[Permission]:
    """The permissions of these routes in alphabetical order, each with its routes by path and method."""
    named: dict[str, list[Route]] = {}
    for router in routers:
        for route in router.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                if (permission := permission_of(handler)) not in (None, PUBLIC, SIGNED):
                    methods = sorted({str(one) for one in handler.http_methods} - {"OPTIONS"})
                    named.setdefault(str(permission), []).extend(Route(method, route.path_format) for method in methods)
    return [Permission(one, sorted(named[one], key=lambda route: (route.path, route.method))) for one in sorted(named)]


def permission_of(handler: HTTPRouteHandler) -> str | None:
    """The permission on the route line, null for what the framework itself answers."""
    named = (getattr(guard, "permission", None) for guard in handler.resolve_guards())
    return next((one for one in named if one), None)
