"""On what ground an employee has a conversation, and where it goes when the ground is gone.

Whoever looks after the customer has it for as long as they do, by a relation of their own. Whoever took it for the
branch, or opened it with somebody whom their role reaches, has it while they work for the customer's branch or their
role reaches there. Whoever has left has none. What is lost goes to the service owner, else to the branch's queue;
what waits there goes to a service owner who comes later, and along with the customer to another branch.
"""

from collections.abc import Collection
from itertools import groupby
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from identity import permission
from kernel.events.outbox import Record, emit
from kernel.security.scope import NOTHING
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import ConversationRerouted
from mobile_contracts.frame import Open


class Groundless(Struct, frozen=True):
    """A conversation and who has it without relation or branch; `certain` unless a role is left to be looked at."""

    id: UUID
    customer_id: int
    employee_id: int
    employee_no: str
    unit_id: int
    certain: bool


class Waiting(Struct, frozen=True):
    """Of some customers' conversations in queues those that belong elsewhere; `last` is the last of the customers."""

    misplaced: list[UUID]
    last: int
    customers: int


_sql = load(Path(__file__).with_name("holding.sql"), Groundless, Waiting)


async def assigned_after(tx: Tx, after: UUID, size: int) -> list[UUID]:
    """The next conversations that somebody has, in order of id. As the system."""
    ids: list[UUID] = await _sql.assigned_after(tx, after=after, size=size)
    return ids


async def check_holders(tx: Tx, ids: Collection[UUID]) -> list[Groundless]:
    """Those of the conversations whose employee may have them no longer. As the system."""
    if noted := await _sql.looking_after(tx, ids=list(ids)):
        await _sql.note_relations(tx, ids=noted)
    found: list[Groundless] = await _sql.groundless(tx, ids=list(ids))
    lost = [one for one in found if one.certain]
    by_role = sorted((one for one in found if not one.certain), key=lambda one: one.employee_id)
    for _, held in groupby(by_role, key=lambda one: one.employee_id):
        lost += await _out_of_reach(tx, list(held))
    return lost


async def do_route_again(tx: Tx, lost: Collection[Groundless]) -> list[UUID]:
    """Takes the conversations from whoever has them; those that another transaction holds come the next time."""
    return await _move(tx, [one.id for one in lost], [one.employee_id for one in lost])


async def find_misplaced(tx: Tx, after: int, size: int) -> Waiting:
    """The next customers whose conversations wait, in order of id. As the system."""
    found: Waiting = await _sql.misplaced(tx, after=after, size=size)
    return found


async def do_place(tx: Tx, ids: Collection[UUID]) -> list[UUID]:
    """Moves conversations from queues to where they belong, unless they were taken meanwhile."""
    return await _move(tx, list(ids), [None] * len(ids))


async def _move(tx: Tx, ids: list[UUID], holders: list[int | None]) -> list[UUID]:
    moved: list[UUID] = await _sql.route_again(tx, ids=ids, holders=holders)
    for one in moved:
        what = Record(action="conversation.reroute", noun="conversation", noun_id=str(one))
        await emit(tx, ConversationRerouted(conversation_id=one), what)
    return moved


async def _out_of_reach(tx: Tx, held: list[Groundless]) -> list[Groundless]:
    """Those of one employee's conversations whose customers no role of theirs reaches."""
    who = held[0]
    roles = list(await _sql.roles_of_sessions(tx, employee_no=who.employee_no))  # besides those assigned
    permissions = await permission.of(tx, "staff", who.employee_no, roles, who.employee_id, who.unit_id)
    reach = permissions.get(Open.staff, NOTHING)
    reached = await _sql.reached(
        tx, customers=[one.customer_id for one in held], branches=list(reach.branches), employees=list(reach.employees)
    )
    return [one for one in held if one.customer_id not in reached]
