"""The catalogue has every permission that a route names, and none that no route does."""

from litestar import Router, get, post

from api.catalogue import catalogue
from api.edge.identify import may, public
from api.routes import AUDIENCES, audience_router
from mobile_contracts.role import Permission, Route


def test_each_permission_has_its_routes_by_path() -> None:
    @get("/b/{number:int}", guards=[may("thing.read")])
    async def read_other(number: int) -> None: ...

    @get("/a", guards=[may("thing.read")])
    async def read() -> None: ...

    @post("/a", guards=[may("thing.change")])
    async def change() -> None: ...

    @get("/open", guards=[public("it says nothing")])
    async def opened() -> None: ...

    made = catalogue([Router("/v1", route_handlers=[read_other, read, change, opened])])
    assert made == [
        Permission("thing.change", [Route("POST", "/v1/a")]),
        Permission("thing.read", [Route("GET", "/v1/a"), Route("GET", "/v1/b/{number}")]),
    ]


def test_the_house_has_a_route_for_every_noun_and_audience() -> None:
    named = catalogue(audience_router(one) for one in (*AUDIENCES, "auth"))
    assert {"self.read", "person.change", "audit.read", "calendar.read"} <= {one.permission for one in named}
    assert all(one.routes for one in named)
