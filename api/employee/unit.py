"""The organisation for administrators: units are listed, made, renamed, moved, merged and ended while people work."""

from typing import Annotated

from litestar import Router, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.answer import Answer, expected_version, versioned
from api.edge.dependencies import PageQuery, Tx
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.employee import unit
from centers.employee.unit import UnitCursor
from mobile_contracts.base import Page
from mobile_contracts.employee.unit import Unit, UnitChange, UnitKind, UnitLine, UnitMerge, UnitNew

_MOST = 2**31 - 1
UnitId = Annotated[int, PathParameter(ge=1, le=_MOST, description="id of the unit")]
Kind = Annotated[UnitKind | None, QueryParameter(name="kind", description="units of this kind only")]
Parent = Annotated[int | None, QueryParameter(name="parent", ge=1, le=_MOST, description="units right below this one")]
Ended = Annotated[bool | None, QueryParameter(name="ended", description="only those that are gone, or only the others")]


@get("/units", guards=[may("organisation.read")], summary="Units of the organisation")
async def list_units(
    tx: Tx, page: PageQuery, kind: Kind = None, parent: Parent = None, ended: Ended = None
) -> Page[UnitLine]:
    """Company, regions, branches, teams, in this order and by code; `parent_id` makes them a tree."""
    units = await unit.list_units(tx, page.after(UnitCursor) or UnitCursor(), page.limit + 1, kind, parent, ended=ended)
    return page.of(units, lambda one: UnitCursor(one.kind, one.code))


@get("/units/{unit_id:int}", guards=[may("organisation.read")], summary="One unit")
async def read_unit(tx: Tx, unit_id: UnitId) -> Answer[Unit]:
    """The unit, with the ETag that changing it needs."""
    found = await unit.find(tx, unit_id)
    return versioned(found, found.version)


@post("/units", guards=[may("organisation.change")], opt={"once": True}, summary="Make a unit")
async def create_unit(tx: Tx, data: JSONBody[UnitNew]) -> Answer[Unit]:
    """A region below the company, a branch below a region, a team below a branch; no feed touches it."""
    made = await unit.create(tx, data)
    return versioned(made, made.version, 201)


@put(
    "/units/{unit_id:int}",
    guards=[may("organisation.change")],
    opt={"versioned": True},
    summary="Rename or move a unit",
)
async def change_unit(request: HttpRequest, tx: Tx, unit_id: UnitId, data: JSONBody[UnitChange]) -> Answer[Unit]:
    """In effect at once; feeds leave the unit alone from now on. A merged branch that moves to a region lives again."""
    after = await unit.change(tx, unit_id, data, expected_version(request))
    return versioned(after, after.version)


@post(
    "/units/{unit_id:int}/merge",
    guards=[may("organisation.change")],
    opt={"once": True},
    status_code=200,
    summary="Merge a branch into another",
)
async def merge_unit(tx: Tx, unit_id: UnitId, data: JSONBody[UnitMerge]) -> Answer[Unit]:
    """The branch ends and stands below the other, to which its teams, employees and roles go.

    A move makes it a branch again; teams and employees come back with the next delivery only, roles not at all.
    """
    after = await unit.merge(tx, unit_id, data)
    return versioned(after, after.version)


@post(
    "/units/{unit_id:int}/end",
    guards=[may("organisation.change")],
    opt={"once": True},
    status_code=200,
    summary="End a unit",
)
async def end_unit(tx: Tx, unit_id: UnitId) -> Answer[Unit]:
    """From today on; 409 says what still stands in it: open units below, employees, customers who are not closed."""
    after = await unit.end(tx, unit_id)
    return versioned(after, after.version)


@post(
    "/units/{unit_id:int}/place-by-feed",
    guards=[may("organisation.change")],
    opt={"once": True},
    status_code=200,
    summary="Give a unit back to its feed",
)
async def give_back_unit(tx: Tx, unit_id: UnitId) -> Answer[Unit]:
    """The next delivery names and places the unit again, and opens it if it is there."""
    after = await unit.give_back(tx, unit_id)
    return versioned(after, after.version)


staff = Router(
    "",
    route_handlers=[list_units, read_unit, create_unit, change_unit, merge_unit, end_unit, give_back_unit],
    tags=["Organisation"],
)
