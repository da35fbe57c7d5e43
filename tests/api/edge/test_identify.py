"""Only a good token of the right audience with the right permission comes through."""

import time

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from api.edge.request import HttpRequest
from api.routes import AUDIENCES, routers
from kernel.database import Database
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
    monkeypatch.setattr("kernel.identity.time.time", lambda: later)
    assert (await api.get("/v1/staff/jobs", headers=headers)).status_code == 401


async def test_every_route_names_a_permission_that_a_role_can_have(database: Database) -> None:
    async with database.transaction() as tx:
        known = {row[0] for row in await tx.fetch("select distinct permission from role_permission")}
    named = {name for _, name in permissions()}
    assert named - known == {"public"}


def permissions() -> list[tuple[str, str | None]]:
    """Every route with the permission on its line, null where it has none."""
    app = Litestar(route_handlers=routers(AUDIENCES), request_class=HttpRequest, openapi_config=None)
    found = []
    for route in app.routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue
            guards = handler.resolve_guards() if handler is not None else []
            named = [
                getattr(guard, "permission", getattr(getattr(guard, "ref", None), "permission", None))
                for guard in guards
            ]
            found.append((route.path, next((one for one in named if one), None)))
    return found


def test_every_route_names_its_permission() -> None:
    assert [path for path, permission in permissions() if permission is None] == []
    assert len(permissions()) > 10
