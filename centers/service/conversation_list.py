"""Conversations as their participants see them."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from centers.service.conversation_rules import Line, Person, Reader
from kernel.errors import NotFound
from kernel.security.scope import NOTHING, Principal, Scope
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.frame import Accept, HistoryWanted

_sql = load(Path(__file__).with_name("conversation_list.sql"), Line, Person)


async def reader_of(tx: Tx, principal: Principal) -> Reader | None:
    """Who somebody signed in is in the chat; null for one who is nobody here, or may not read. As the system."""
    (reader,) = await readers_of(tx, [principal])
    return reader


async def readers_of(tx: Tx, principals: Sequence[Principal]) -> list[Reader | None]:
    """Who each of them is, as `reader_of`."""
    may = [one for one in principals if HistoryWanted.asks(one.audience) in one.permissions]
    found: dict[str, Reader] = {}
    if customer_nos := [one.subject for one in may if one.audience == "investor"]:
        for person in await _sql.investors(tx, customer_nos=customer_nos):
            found[f"investor:{person.no}"] = Reader(person)
    if employee_nos := [one.subject for one in may if one.audience == "staff"]:
        for *person, queues in await _sql.employees(tx, employee_nos=employee_nos):
            employee = Person(*person)
            found[f"staff:{employee.no}"] = Reader(employee, tuple(queues))
    allowed = {one.session_id for one in may}
    return [_as_allowed(found.get(one.name), one) if one.session_id in allowed else None for one in principals]


def _as_allowed(reader: Reader | None, principal: Principal) -> Reader | None:
    """Queues are for those who may take from them."""
    if reader is None or principal.permissions.get(Accept.staff, NOTHING) != NOTHING:
        return reader
    return Reader(reader.person)


async def list_open(tx: Tx, readers: Sequence[Reader]) -> list[list[Line]]:
    """The open conversations of each and those in each one's queues, the newest first. As the system."""
    of = list(enumerate(readers))
    customers = [(number, one.customer) for number, one in of if one.customer is not None]
    employees = [(number, one.employee) for number, one in of if one.employee is not None]
    queues = [(number, queue, one.employee) for number, one in of for queue in one.queues]
    rows = await _sql.open_lines(
        tx,
        customer_of=[row[0] for row in customers], customers=[row[1] for row in customers],
        employee_of=[row[0] for row in employees], employees=[row[1] for row in employees],
        queue_of=[row[0] for row in queues], queues=[row[1] for row in queues],
        queue_employees=[row[2] for row in queues],
    )  # fmt: skip
    lines: list[list[Line]] = [[] for _ in readers]
    for number, *row in rows:
        lines[number].append(Line(*row))
    return lines


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
