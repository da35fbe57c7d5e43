"""Conversations as their participants see them."""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from uuid import UUID

from centers.service.rules import Line, Person, Reader
from kernel.database import Tx
from kernel.errors import NotFound
from kernel.scope import NOTHING, Principal, Scope
from kernel.sql import load
from mobile_contracts.frame import Accept, HistoryWanted

_sql = load(Path(__file__).with_name("queries.sql"), Line, Person)


async def reader_of(tx: Tx, principal: Principal) -> Reader | None:
    """Who somebody signed in is in the chat; null for one who is nobody here, or may not read. As the system."""
    if HistoryWanted.asks(principal.audience) not in principal.permissions:
        return None
    if principal.audience == "investor":
        investor: Person | None = await _sql.investor(tx, customer_no=principal.subject)
        return None if investor is None else Reader(investor)
    employee: Person | None = await _sql.employee(tx, employee_no=principal.subject)
    if employee is None or principal.permissions.get(Accept.staff, NOTHING) == NOTHING:
        return None if employee is None else Reader(employee)
    return Reader(employee, tuple(await _sql.works_for(tx, employee=employee.id)))


async def list_lines(tx: Tx, scope: Scope, reader: Reader, named: Collection[UUID] = ()) -> list[Line]:
    """One's open conversations and those in one's queues, the newest first; of closed ones those named."""
    lines: list[Line] = await _sql.lines(tx, **_whose(scope, reader), named=list(named))
    return lines


async def find(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    """One conversation; raises `NotFound` for one of others, also for whoever had it before."""
    line: Line | None = await _sql.find(tx, id=conversation_id, **_whose(scope, reader))
    if line is None:
        raise NotFound
    return line


async def had_until(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> int:
    """Up to which seq an employee had a conversation, whose customer they reach; raises `NotFound` for any other."""
    until: int | None = await _sql.had_until(
        tx, id=conversation_id, employee=reader.employee, branches=list(scope.reach.branches),
        employees=list(scope.reach.employees),
    )  # fmt: skip
    if until is None:
        raise NotFound
    return until


async def standing(
    tx: Tx, ids: Collection[UUID], customers: Collection[int] = (), employees: Collection[int] = (),
    queues: Collection[int] = (),
) -> list[Line]:  # fmt: skip
    """Those named, the open ones of these people, and those in the queues of these branches. As the system."""
    lines: list[Line] = await _sql.standing(
        tx, ids=list(ids), customers=list(customers), employees=list(employees), queues=list(queues)
    )
    return lines


async def position(tx: Tx, conversation_id: UUID) -> int:
    """The place of a conversation in its queue, from 1. As the system."""
    return int(await _sql.position(tx, id=conversation_id))


def _whose(scope: Scope, reader: Reader) -> dict[str, Any]:
    """Who asks, the branches whose queues they see, and the customers of whom they may read what is past."""
    return {
        "customer": reader.customer, "employee": reader.employee, "queues": list(reader.queues),
        "branches": list(scope.reach.branches), "employees": list(scope.reach.employees),
    }  # fmt: skip
