"""Sessions: people see where they are signed in and end that; administrators do it for others, and say why."""

from typing import Annotated
from uuid import UUID

from litestar import Router, delete
from litestar.params import FromPath, PathParameter, QueryParameter

from api.edge.dependencies import PageQuery, Tx, Who
from api.edge.identify import may
from api.edge.reading import get
from identity import session
from identity.session import SessionCursor, Subject
from kernel.security.scope import Scope
from mobile_contracts.base import NO_CONTROLS, REASON, Page
from mobile_contracts.identity.session import OpenSession

_OWN = "ended by its owner"
_WHY = "why, for the audit log: at least 4 visible characters"
Number = Annotated[str, PathParameter(min_length=1, max_length=40, pattern=NO_CONTROLS)]
Reason = Annotated[str, QueryParameter(name="reason", max_length=200, pattern=REASON, description=_WHY)]


def _self(who: Scope) -> Subject:
    return Subject(who.principal.audience, who.principal.subject)


async def _page(tx: Tx, who: Scope, page: PageQuery, whose: Subject) -> Page[OpenSession]:
    sessions = await session.list_open(tx, who, whose, page.after(SessionCursor) or SessionCursor(), page.limit + 1)
    return page.of(sessions, lambda one: SessionCursor(one.id))


@get("/sessions", guards=[may("self.read")], summary="Where you are signed in")
async def list_own(tx: Tx, who: Who, page: PageQuery) -> Page[OpenSession]:
    """Your sessions in force, the newest first."""
    return await _page(tx, who, page, _self(who))


@delete("/sessions/{session_id:uuid}", guards=[may("self.change")], summary="Sign out on one device")
async def end_own(tx: Tx, who: Who, session_id: FromPath[UUID]) -> None:
    """Ends the session at once, its open sockets with it."""
    await session.end(tx, _self(who), session_id, _OWN)


@get("/sessions", guards=[may("self.read")], summary="Where you are signed in")
async def list_own_for_investor(tx: Tx, who: Who, page: PageQuery) -> Page[OpenSession]:
    """Your sessions in force, the newest first."""
    return await _page(tx, who, page, _self(who))


@delete("/sessions/{session_id:uuid}", guards=[may("self.change")], summary="Sign out on one device")
async def end_own_for_investor(tx: Tx, who: Who, session_id: FromPath[UUID]) -> None:
    """Ends the session at once, its open sockets with it."""
    await session.end(tx, _self(who), session_id, _OWN)


@get("/people/{employee_no:str}/sessions", guards=[may("session.read")], summary="Where an employee is signed in")
async def list_of_employee(tx: Tx, who: Who, page: PageQuery, employee_no: Number) -> Page[OpenSession]:
    """The employee's sessions in force, the newest first."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    return await _page(tx, who, page, whose)


@delete(
    "/people/{employee_no:str}/sessions/{session_id:uuid}",
    guards=[may("session.end")],
    summary="End one session of an employee",
)
async def end_of_employee(tx: Tx, who: Who, employee_no: Number, session_id: FromPath[UUID], reason: Reason) -> None:
    """At once, its open sockets with it."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    await session.end(tx, whose, session_id, reason)


@delete("/people/{employee_no:str}/sessions", guards=[may("session.end")], summary="Sign an employee out everywhere")
async def end_all_of_employee(tx: Tx, who: Who, employee_no: Number, reason: Reason) -> None:
    """Every session at once, open sockets with them."""
    whose = Subject("staff", employee_no)
    await session.check_subject(tx, who, whose)
    await session.end_all(tx, whose, reason)


@get("/customers/{customer_no:str}/sessions", guards=[may("session.read")], summary="Where an investor is signed in")
async def list_of_investor(tx: Tx, who: Who, page: PageQuery, customer_no: Number) -> Page[OpenSession]:
    """The investor's sessions in force, the newest first."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    return await _page(tx, who, page, whose)


@delete(
    "/customers/{customer_no:str}/sessions/{session_id:uuid}",
    guards=[may("session.end")],
    summary="End one session of an investor",
)
async def end_of_investor(tx: Tx, who: Who, customer_no: Number, session_id: FromPath[UUID], reason: Reason) -> None:
    """At once, its open sockets with it."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    await session.end(tx, whose, session_id, reason)


@delete("/customers/{customer_no:str}/sessions", guards=[may("session.end")], summary="Sign an investor out everywhere")
async def end_all_of_investor(tx: Tx, who: Who, customer_no: Number, reason: Reason) -> None:
    """Every session at once, open sockets with them."""
    whose = Subject("investor", customer_no)
    await session.check_subject(tx, who, whose)
    await session.end_all(tx, whose, reason)


staff = Router(
    "",
    route_handlers=[
        list_own, end_own, list_of_employee, end_of_employee, end_all_of_employee, list_of_investor, end_of_investor,
        end_all_of_investor,
    ],
    tags=["Sessions"],
)  # fmt: skip
investor = Router("", route_handlers=[list_own_for_investor, end_own_for_investor], tags=["Sessions"])
