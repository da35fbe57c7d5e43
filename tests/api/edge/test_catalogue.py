"""The catalogue has every permission that a route or a frame names, and none that neither does."""

from typing import get_args

from litestar import Router, get, post

from api.edge.catalogue import catalogue
from api.edge.identify import may, public
from api.routes import AUDIENCES, audience_router
from mobile_contracts.employee.role import Permission, Route
from mobile_contracts.frame import Asked, ClientFrame, Ping


def test_each_permission_has_its_routes_by_path() -> None:
    @get("/b/{number:int}", guards=[may("thing.read")])
    async def read_other(number: int) -> None: ...

    @get("/a", guards=[may("thing.read")])
    async def read() -> None: ...

    @post("/a", guards=[may("thing.change")])
    async def change() -> None: ...

    @get("/open", guards=[public("it says nothing")])
    async def opened() -> None: ...

    class Accept(ClientFrame, frozen=True, tag="accept"):
        staff = "chat.take"

    made = catalogue([Router("/v1", route_handlers=[read_other, read, change, opened])], [Accept, Ping])
    assert made == [
        Permission("chat.take", [], ["accept"]),
        Permission("thing.change", [Route("POST", "/v1/a")]),
        Permission("thing.read", [Route("GET", "/v1/a"), Route("GET", "/v1/b/{number}")]),
    ]


def test_the_house_has_a_route_for_every_noun_and_audience() -> None:
    named = catalogue((audience_router(one) for one in (*AUDIENCES, "auth")), get_args(Asked))
    assert {"chat.take", "self.read", "person.change", "audit.read", "calendar.read"} <= {
        one.permission for one in named
    }
    assert all(one.routes or one.frames for one in named)
