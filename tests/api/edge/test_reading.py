"""A GET has queries that cannot write, and is asked for its permission like every other route."""

import httpx
from litestar.routes import HTTPRoute

from api.edge.reading import get
from api.routes import AUDIENCES, audience_router
from tests.api.conftest import SignIn


def test_every_get_is_one_of_these_but_the_one_that_is_audited_itself() -> None:
    handlers = [
        handler
        for audience in AUDIENCES
        for route in audience_router(audience).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    ]
    reading = [one for one in handlers if "GET" in one.http_methods and "tx" in one.parsed_fn_signature.parameters]
    assert len(reading) > 20
    assert [one.handler_name for one in reading if not isinstance(one, get)] == ["search_audit"]


async def test_its_guards_are_asked(api: httpx.AsyncClient, sign_in: SignIn) -> None:
    assert (await api.get("/v1/staff/jobs")).status_code == 401
    assert (await api.get("/v1/staff/jobs", headers=await sign_in("broker"))).status_code == 403
    assert (await api.get("/v1/staff/jobs", headers=await sign_in())).status_code == 200
