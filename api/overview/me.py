"""Who am I, what may I do, and how do my customers stand."""

from litestar import Router

from api.edge.dependencies import Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.customer.home import Homes
from centers.employee import person
from mobile_contracts.customer.customer import Home
from mobile_contracts.overview.me import Me, PermissionHeld


@get("/me", guards=[may("self.read")], summary="Who one is and what one may do")
async def read_me(tx: Tx, who: Who) -> Me:
    """The permissions with how far each reaches, as they are now."""
    principal = who.principal
    return Me(
        principal=principal.name,
        session_id=str(principal.session_id),
        device_id=principal.device_id,
        employee=await person.find_oneself(tx, principal.employee),
        permissions=[PermissionHeld(code, reach.kind) for code, reach in sorted(principal.permissions.items())],
    )


@get("/home", guards=[may("customer.read")], summary="Figures of the customers in one's scope")
async def read_home(request: HttpRequest, tx: Tx, who: Who) -> Home:
    """Those whom the list of customers shows, but for closed ones; of many branches as they were some seconds ago."""
    homes: Homes = request.app.state.homes
    return await homes.figures(tx, who)


staff = Router("", route_handlers=[read_me, read_home], tags=["Oneself"])
