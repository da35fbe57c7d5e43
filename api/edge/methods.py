"""Which methods an address offers, as OPTIONS and 405 tell it in `Allow`: the framework forgets some, and HEAD."""

from collections import defaultdict
from functools import cache
from typing import Any

from litestar import Litestar, Request, Response
from litestar.routes import HTTPRoute


def options(request: Request[Any, Any, Any]) -> Response[None]:
    """The answer to OPTIONS."""
    template = request.scope["path_template"]
    return Response(None, status_code=204, headers={"Allow": allowed(_offered(request.app)[template])})


def allowed(told: str) -> str:
    """An Allow header, with HEAD where there is a GET."""
    methods = {one.strip() for one in told.split(",")}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


@cache
def _offered(app: Litestar) -> dict[str, str]:
    offered: defaultdict[str, set[str]] = defaultdict(set)
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            offered[route.path_format] |= {str(method) for method in route.route_handler_map}
    return {path: ",".join(methods) for path, methods in offered.items()}
