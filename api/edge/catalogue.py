"""Every permission that a route or a frame names and a role can give, with those that name it."""

from collections.abc import Iterable

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.edge.identify import PUBLIC
from api.edge.signed import SIGNED
from mobile_contracts.employee.role import Permission, Route
from mobile_contracts.frame import ClientFrame


def catalogue(routers: Iterable[Router], frames: Iterable[type[ClientFrame]] = ()) -> list[Permission]:
    """The permissions in alphabetical order, each with its routes by path and method, and its frames."""
    named: dict[str, list[Route]] = {}
    framed: dict[str, set[str]] = {}
    for frame in frames:
        for permission in filter(None, (frame.staff, frame.investor)):
            framed.setdefault(permission, set()).add(str(frame.__struct_config__.tag))
    for router in routers:
        for route in router.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                if (asked := permission_of(handler)) not in (None, PUBLIC, SIGNED):
                    methods = sorted({str(one) for one in handler.http_methods} - {"OPTIONS"})
                    named.setdefault(str(asked), []).extend(Route(method, route.path_format) for method in methods)
    return [
        Permission(
            one, sorted(named.get(one, ()), key=lambda route: (route.path, route.method)), sorted(framed.get(one, ()))
        )
        for one in sorted({*named, *framed})
    ]


def permission_of(handler: HTTPRouteHandler) -> str | None:
    """The permission on the route line, null for what the framework itself answers."""
    named = (getattr(guard, "permission", None) for guard in handler.resolve_guards())
    return next((one for one in named if one), None)
