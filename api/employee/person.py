"""People for administrators: who works where, and which roles they hold; both can be changed."""

from typing import Annotated

from litestar import Router, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.edge.answer import Answer, expected_version, versioned
from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from api.edge.request import HttpRequest
from centers.employee import assignment, person
from centers.employee.person import PeopleWanted, PersonCursor
from kernel.errors import CursorInvalid
from mobile_contracts.base import NO_CONTROLS, Page
from mobile_contracts.employee.person import (
    Person,
    PersonLine,
    PersonMove,
    PersonOrder,
    PersonRoles,
    PersonRolesChange,
    PersonUnit,
)

_MOST = 2**31 - 1
_BEGINNING = "beginning of the name or of the employee number"
EmployeeNo = Annotated[str, PathParameter(min_length=1, max_length=40, pattern=NO_CONTROLS)]
Search = Annotated[str, QueryParameter(name="search", max_length=50, description=_BEGINNING)]
Unit = Annotated[int | None, QueryParameter(name="unit", ge=1, le=_MOST, description="in this unit or below it")]
Role = Annotated[str | None, QueryParameter(name="role", max_length=40, description="who holds this role")]
Working = Annotated[bool | None, QueryParameter(name="working", description="who works here today, or who left")]
Order = Annotated[PersonOrder, QueryParameter(name="sort", description="what the list is ordered by")]


@get("/people", guards=[may("person.read")], summary="People who work here")
async def list_people(
    tx: Tx,
    who: Who,
    page: PageQuery,
    search: Search = "",
    unit: Unit = None,
    role: Role = None,
    working: Working = None,
    order: Order = "employee_no",
) -> Page[PersonLine]:
    """Those whom the permission reaches; all filters hold together."""
    after = page.after(PersonCursor) or PersonCursor(order)
    if after.order != order:
        raise CursorInvalid
    wanted = PeopleWanted(search.strip(), unit, role, working)
    people = await person.list_people(tx, who, wanted, after, page.limit + 1)
    return page.of(people, lambda one: PersonCursor.at(one, order))


@get("/people/{employee_no:str}", guards=[may("person.read")], summary="One employee")
async def read_person(tx: Tx, who: Who, employee_no: EmployeeNo) -> Person:
    """Position, licence, place in the organisation and roles; the mobile number is masked."""
    return await person.find(tx, who, employee_no)


@get("/people/{employee_no:str}/roles", guards=[may("person.read")], summary="Roles of an employee")
async def read_roles(tx: Tx, who: Who, employee_no: EmployeeNo) -> Answer[PersonRoles]:
    """The roles, with the ETag that changing them needs."""
    found = await assignment.find(tx, who, employee_no)
    return versioned(found, found.version)


@put(
    "/people/{employee_no:str}/roles",
    guards=[may("person.change")],
    opt={"versioned": True},
    summary="Give an employee roles",
)
async def change_roles(
    request: HttpRequest, tx: Tx, who: Who, employee_no: EmployeeNo, data: JSONBody[PersonRolesChange]
) -> Answer[PersonRoles]:
    """These and no others, in effect at once; the last administrator stays one."""
    after = await assignment.change(tx, who, employee_no, data, expected_version(request))
    return versioned(after, after.version)


@get("/people/{employee_no:str}/unit", guards=[may("person.read")], summary="Unit of an employee")
async def read_unit(tx: Tx, who: Who, employee_no: EmployeeNo) -> Answer[PersonUnit]:
    """Where the employee stands, with the ETag that a move needs."""
    found = await person.find_unit(tx, who, employee_no)
    return versioned(found, found.version)


@put(
    "/people/{employee_no:str}/unit",
    guards=[may("person.change")],
    opt={"versioned": True},
    summary="Move an employee to another unit",
)
async def move_person(
    request: HttpRequest, tx: Tx, who: Who, employee_no: EmployeeNo, data: JSONBody[PersonMove]
) -> Answer[PersonUnit]:
    """In effect at once; feeds leave the employee there from now on."""
    after = await person.move(tx, who, employee_no, data, expected_version(request))
    return versioned(after, after.version)


@post(
    "/people/{employee_no:str}/place-by-feed",
    guards=[may("person.change")],
    opt={"once": True},
    status_code=200,
    summary="Give an employee's place back to the feed",
)
async def give_back_person(tx: Tx, who: Who, employee_no: EmployeeNo) -> Answer[PersonUnit]:
    """The next delivery places the employee again."""
    after = await person.give_back(tx, who, employee_no)
    return versioned(after, after.version)


staff = Router(
    "",
    route_handlers=[
        list_people, read_person, read_roles, change_roles, read_unit, move_person, give_back_person,
    ],
    tags=["People"],
)  # fmt: skip
