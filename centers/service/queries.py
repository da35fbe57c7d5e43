"""Conversations as their participants see them."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from centers.service.rules import Line, Person, Reader
from kernel.database import Tx
from kernel.errors import NotFound
from kernel.scope import Principal, Scope
from kernel.sql import load

LINES_AT_MOST = 1000
_sql = load(Path(__file__).with_name("queries.sql"), Line, Person)


async def reader_of(tx: Tx, principal: Principal) -> Reader | None:
    """Who somebody signed in is in the chat; null for one who is neither customer nor employee. As the system."""
    if principal.audience == "investor":
        investor: Person | None = await _sql.investor(tx, customer_no=principal.subject)
        return None if investor is None else Reader(investor)
    employee: Person | None = await _sql.employee(tx, employee_no=principal.subject)
    return None if employee is None else Reader(employee, tuple(await _sql.works_for(tx, employee=employee.id)))


async def list_lines(tx: Tx, scope: Scope, reader: Reader, named: Collection[UUID] = ()) -> list[Line]:
    """One's open conversations and those in one's queues, the newest first; of closed ones those named."""
    lines: list[Line] = await _sql.lines(
        tx, customer=reader.customer, employee=reader.employee, branches=list(reader.branches), named=list(named),
        size=LINES_AT_MOST,
    )  # fmt: skip
    return lines


async def find(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    """One conversation; raises `NotFound` for one of others."""
    line: Line | None = await _sql.find(
        tx, id=conversation_id, customer=reader.customer, employee=reader.employee, branches=list(reader.branches)
    )
    if line is None:
        raise NotFound
    return line


async def standing(
    tx: Tx, ids: Collection[UUID], customers: Collection[int] = (), employees: Collection[int] = ()
) -> list[Line]:
    """The conversations named, and the open ones of these people. As the system."""
    lines: list[Line] = await _sql.standing(tx, ids=list(ids), customers=list(customers), employees=list(employees))
    return lines


async def position(tx: Tx, conversation_id: UUID) -> int:
    """The place of a conversation in its queue, from 1. As the system."""
    return int(await _sql.position(tx, id=conversation_id))
