"""Only a good token of the right audience with the right permission comes through."""

import time
from collections.abc import Sequence

import httpx
import pytest
from litestar import Litestar, get
from litestar.handlers import BaseRouteHandler
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler

from api.edge.identify import may
from api.edge.request import HttpRequest
from api.routes import AUDIENCES, routers
from kernel.store.database import Database
from tests.api.conftest import SignIn


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Bearer not.a.token",
        "Bearer " + "x" * 10_000,
        "bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
async def test_a_bad_token_is_told_to_sign_in(api: httpx.AsyncClient, header: str) -> None:
    answer = await api.get("/v1/staff/jobs", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_session_is_out_within_five_seconds(
    api: httpx.AsyncClient, database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await sign_in()
    assert (await api.get("/v1/staff/jobs", headers=headers)).status_code == 200
    async with database.transaction() as tx:
        await tx.execute("update session set revoked_at = now()")
    later = time.time() + 5.1
    monkeypatch.setattr("identity.principal.time.time", lambda: later)
    assert (await api.get("/v1/staff/jobs", headers=headers)).status_code == 401


def permissions(handlers: Sequence[ControllerRouterHandler]) -> list[tuple[str, str | None]]:
    """Every route with the permission on its line, null where it has none."""
    app = Litestar(route_handlers=handlers, request_class=HttpRequest, openapi_config=None, logging_config=None)
    return [(route.path, permission(handler)) for route in app.routes for handler in handlers_of(route)]


def handlers_of(route: BaseRoute) -> list[BaseRouteHandler]:
    """What answers at a path, the framework's own answer to OPTIONS aside."""
    if isinstance(route, HTTPRoute):
        return [handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
    return [route.route_handler] if isinstance(route, ASGIRoute) else []


def permission(handler: BaseRouteHandler) -> str | None:
    """The permission that the guards of a route name."""
    named = [getattr(guard, "permission", None) for guard in handler.resolve_guards()]
    return next((one for one in named if one), None)


async def test_every_route_names_a_permission_that_a_role_can_have(database: Database) -> None:
    async with database.transaction() as tx:
        known = {row[0] for row in await tx.fetch("select distinct permission from role_permission")}
    named = permissions(routers(AUDIENCES))
    assert len(named) > 10
    assert [path for path, permission in named if permission is None] == []
    assert {permission for _, permission in named} - known == {"public", "signed"}


def test_a_route_without_a_permission_is_found() -> None:
    @get("/open", opt={"audience": "staff"})
    async def forgotten() -> None: ...

    @get("/guarded", guards=[may("calendar.read")], opt={"audience": "staff"})
    async def guarded() -> None: ...

    assert dict(permissions([forgotten, guarded])) == {"/guarded": "calendar.read", "/open": None}
