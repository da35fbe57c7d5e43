"""What a request asks for is what its route offers: a misspelt parameter is told, not overlooked."""

from functools import cache
from typing import Any

from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api.edge.methods import options
from kernel.errors import FieldError, InvalidInput

_Offered = dict[str, bool]
"""The query parameters of a route; true for those that may come more than once."""


async def check_asked(request: Request[Any, Any, Any]) -> Response[None] | None:
    """Raises `InvalidInput` for query parameters that the route does not have or has once, and for a missing body.

    OPTIONS is answered here.
    """
    handler: Any = request.route_handler
    if request.method == "OPTIONS":
        return options(request)
    if not handler.include_in_schema:
        return None
    if request.scope["query_string"]:
        _check_parameters(request, _offered(request.app)[handler])
    if handler.parsed_data_field is not None and not await request.body():
        raise InvalidInput("the body is empty, JSON is expected", "请求体为空,应为 JSON")
    return None


def _check_parameters(request: Request[Any, Any, Any], offered: _Offered) -> None:
    seen, errors = set[str](), []
    for name, _ in request.query_params.multi_items():
        if name not in offered:
            errors.append(FieldError(name[:200], "there is no such parameter here", "没有此参数", "unknown"))
        elif name in seen and not offered[name]:
            errors.append(FieldError(name, "this parameter comes once", "该参数只能出现一次", "repeated"))
        seen.add(name)
    if errors:
        raise InvalidInput(errors=sorted(errors, key=lambda one: one.field)[:50])


@cache
def _offered(app: Litestar) -> dict[HTTPRouteHandler, _Offered]:
    """What each route offers, its dependencies included."""
    routes = (route for route in app.routes if isinstance(route, HTTPRoute))
    return {
        handler: {one.field_alias: one.is_sequence for one in model.expected_query_params}
        for route in routes
        for handler, model in route.route_handler_map.values()
    }
