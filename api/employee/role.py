"""Roles for administrators: what each permits, how far that reaches, and which routes ask for what."""

from typing import Annotated

from litestar import Router, put
from litestar.params import JSONBody, PathParameter

from api.edge.answer import Answer, expected_version, versioned
from api.edge.dependencies import Tx
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.employee import role
from mobile_contracts.base import Page
from mobile_contracts.employee.role import Permission, Role, RoleChange

Code = Annotated[str, PathParameter(min_length=1, max_length=40, pattern=r"^[a-z_]+\Z")]


@get("/roles", guards=[may("role.read")], summary="Roles")
async def list_roles(tx: Tx) -> Page[Role]:
    """All of them, with their permissions and how far these reach."""
    return Page(await role.list_roles(tx))


@get("/permissions", guards=[may("role.read")], summary="Permissions")
async def list_permissions(request: HttpRequest) -> Page[Permission]:
    """All that routes and frames of the WebSocket ask for, of every audience."""
    return Page(request.app.state.catalogue)


@get("/roles/{code:str}", guards=[may("role.read")], summary="One role")
async def read_role(tx: Tx, code: Code) -> Answer[Role]:
    """The role, with the ETag that changing it needs."""
    found = await role.find(tx, code)
    return versioned(found, found.version)


@put("/roles/{code:str}", guards=[may("role.change")], opt={"versioned": True}, summary="Change a role")
async def change_role(request: HttpRequest, tx: Tx, code: Code, data: JSONBody[RoleChange]) -> Answer[Role]:
    """These permissions and no others, in effect at once for all who hold the role."""
    known = {one.permission for one in request.app.state.catalogue}
    after = await role.change(tx, code, data, known, expected_version(request))
    return versioned(after, after.version)


staff = Router("", route_handlers=[list_roles, list_permissions, read_role, change_role], tags=["Roles"])
