"""A conversation's life: opened, taken from the queue, closed, rated."""

from pathlib import Path
from uuid import UUID

import uuid_utils.compat as uuid
from msgspec import Struct

from centers.service import conversation_list
from centers.service.attendance import SILENCE
from centers.service.conversation_rules import Line, Person, Reader, needs_licence, takes_part
from kernel.errors import ConversationClosed, NotFound, NotLicensed, WrongState
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope, apply, apply_system
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import ConversationAssigned, ConversationOpened, ConversationRated
from mobile_contracts.event import ConversationClosed as Ended
from mobile_contracts.frame import Rate, Topic


class Customer(Struct, frozen=True):
    """The customer of a conversation."""

    id: int
    no: str
    name: str
    branch_id: int


class Pair(Struct, frozen=True):
    """Who will speak with each other; `found`: where they do already. Without an employee it goes into the queue."""

    customer: Customer
    employee: Person | None
    found: UUID | None


_sql = load(Path(__file__).with_name("conversation.sql"), Customer, Person)


async def check_open_own(tx: Tx, scope: Scope, reader: Reader, employee_no: str | None) -> Pair:
    """Whom an investor will speak with; raises `NotFound` for an employee who is not theirs.

    The one named, else the service owner, else the least busy licensed employee of the branch who is online, else
    whoever takes it from the branch's queue.
    """
    await apply_system(tx, "chat", kind="company")
    await _sql.take_turns(tx, customer=reader.person.id)
    customer: Customer | None = await _sql.customer(tx, id=reader.person.id)
    if customer is None:
        raise NotFound
    employee, found = await _route(tx, customer, employee_no)
    if employee is not None:
        found = await _sql.open_one(tx, customer=customer.id, employee=employee.id)
    await apply(tx, scope)
    return Pair(customer, employee, found)


async def check_open_with(tx: Tx, scope: Scope, reader: Reader, customer_no: str) -> Pair:
    """An employee and a customer in their scope; raises `NotFound` for any other."""
    reach = scope.reach
    customer: Customer | None = await _sql.customer_in_scope(
        tx, customer_no=customer_no, branches=list(reach.branches), employees=list(reach.employees)
    )
    if customer is None:
        raise NotFound
    await _sql.take_turns(tx, customer=customer.id)
    found = await _sql.open_one(tx, customer=customer.id, employee=reader.person.id)
    return Pair(customer, reader.person, found)


async def do_open(tx: Tx, scope: Scope, reader: Reader, pair: Pair, topic: Topic) -> Line:
    """The open conversation of the two, which begins now unless it has."""
    if pair.found is not None:
        return await conversation_list.find(tx, scope, reader, pair.found)
    new, customer, employee = uuid.uuid7(), pair.customer, pair.employee
    await _sql.add(
        tx, id=new, customer=customer.id, branch=customer.branch_id, employee=employee and employee.id, topic=topic
    )
    await _join_in(tx, new, Person("investor", customer.id, customer.no, customer.name))
    if employee is not None:
        await _join_in(tx, new, employee)
    await emit(tx, ConversationOpened(conversation_id=new), _record("open", new))
    return await conversation_list.find(tx, scope, reader, new)


async def check_accept(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    """A conversation in one's queue or one's own already, locked; raises `NotFound` for any other.

    Raises `NotLicensed` for one in the queue that takes a licence.
    """
    line = await _locked(tx, scope, reader, conversation_id)
    if line.state == "closed":
        raise ConversationClosed
    if line.state == "queued" and needs_licence(line.topic) and not await _sql.licensed(tx, employee=reader.employee):
        raise NotLicensed("advice and products take a licence", "投资咨询与产品类会话须持有有效执业资格")
    return line


async def do_accept(tx: Tx, scope: Scope, reader: Reader, line: Line) -> Line:
    """Gives the conversation to the employee, unless they have it."""
    if line.state == "assigned":
        return line
    await _sql.assign(tx, id=line.id, employee=reader.person.id)
    await _join_in(tx, line.id, reader.person)
    await emit(tx, ConversationAssigned(conversation_id=line.id), _record("accept", line.id))
    return await conversation_list.find(tx, scope, reader, line.id)


async def check_close(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    """One's own conversation, locked; raises `NotFound` or, for one that waits in a queue, `WrongState`."""
    line = await _locked(tx, scope, reader, conversation_id)
    if not takes_part(reader.person, line.customer_id, line.employee_id):
        raise WrongState("it waits in the queue: take it first", "会话仍在排队,请先接入")
    return line


async def do_close(tx: Tx, scope: Scope, reader: Reader, line: Line) -> Line:
    """Ends the conversation, unless it has ended."""
    if line.state == "closed":
        return line
    await _sql.close(tx, id=line.id)
    await emit(tx, Ended(conversation_id=line.id), _record("close", line.id))
    return await conversation_list.find(tx, scope, reader, line.id)


async def check_rate(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    """One's own closed conversation, locked; raises `NotFound`, or `WrongState` while it is open."""
    line = await _locked(tx, scope, reader, conversation_id)
    if line.state != "closed":
        raise WrongState("it is not closed yet", "会话尚未结束")
    return line


async def do_rate(tx: Tx, scope: Scope, line: Line, wanted: Rate) -> Line:
    """Keeps what the investor thought; the same again changes nothing, and another judgement raises `WrongState`."""
    judged = {"id": line.id, "score": wanted.score, "comment": wanted.comment}
    if not await _sql.rate(tx, **judged):
        if not await _sql.is_rated(tx, **judged):
            raise WrongState("it was rated already", "会话已评价")
        return line
    await emit(tx, ConversationRated(conversation_id=line.id), _record("rate", line.id))
    return line


async def _route(tx: Tx, customer: Customer, employee_no: str | None) -> tuple[Person | None, UUID | None]:
    """The employee, or the conversation that waits or goes on already with somebody of the branch."""
    if employee_no is not None:
        named: Person | None = await _sql.named(
            tx, customer=customer.id, branch=customer.branch_id, employee_no=employee_no
        )
        if named is None:
            raise NotFound
        return named, None
    owner: Person | None = await _sql.owner(tx, customer=customer.id)
    if owner is not None:
        return owner, None
    found: UUID | None = await _sql.open_any(tx, customer=customer.id)
    if found is not None:
        return None, found
    return await _sql.least_busy(tx, branch=customer.branch_id, silence=SILENCE), None


async def _locked(tx: Tx, scope: Scope, reader: Reader, conversation_id: UUID) -> Line:
    if await _sql.lock(tx, id=conversation_id) is None:
        raise NotFound
    return await conversation_list.find(tx, scope, reader, conversation_id)


async def _join_in(tx: Tx, conversation_id: UUID, who: Person) -> None:
    await _sql.join_in(tx, conversation_id=conversation_id, kind=who.kind, person_id=who.id, no=who.no, name=who.name)


def _record(verb: str, conversation_id: UUID) -> Record:
    return Record(action=f"conversation.{verb}", noun="conversation", noun_id=str(conversation_id))
