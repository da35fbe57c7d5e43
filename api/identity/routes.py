"""The routes of signing in, and those that people and administrators find under their own audience; none is cached."""

from litestar import Router
from litestar.types import ControllerRouterHandler

from api.identity import activation, code_request, password_change, password_reset, refresh, sign_in, single_sign_on


def _never_cached(*routers: ControllerRouterHandler) -> Router:
    return Router("", route_handlers=routers, response_headers={"Cache-Control": "no-store"})


AUTH = [
    _never_cached(
        sign_in.auth,
        code_request.auth,
        password_reset.auth,
        refresh.auth,
        activation.auth,
        single_sign_on.auth,
    )
]
STAFF = [_never_cached(password_change.staff, activation.staff)]
INVESTOR = [_never_cached(password_change.investor)]
