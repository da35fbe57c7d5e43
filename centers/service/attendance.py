"""Which employees can be reached now: each node says again and again whose sockets it holds.

What is said lasts a few seconds; it is no record, so nothing is emitted for it.
"""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.frame import Presence, StaffStatus

SILENCE = 15.0
"""Seconds after which somebody of whom no node has spoken is away."""

_sql = load(Path(__file__).with_name("attendance.sql"), Presence)


async def attend(tx: Tx, node: UUID, employees: Collection[int]) -> None:
    """Says that the node holds sockets of these employees."""
    await _sql.attend(tx, employees=sorted(employees), node=node)


async def leave(tx: Tx, node: UUID, employees: Collection[int]) -> list[str]:
    """Says that it holds none of any others, and forgets what dead nodes said; gives the numbers of those who left."""
    return [no for (no,) in await _sql.leave(tx, employees=list(employees), node=node, silence=SILENCE)]


async def statuses(tx: Tx, employee_nos: Collection[str]) -> list[Presence]:
    """How these employees can be reached."""
    found: list[Presence] = await _sql.statuses(tx, employee_nos=list(employee_nos), silence=SILENCE)
    return found


async def set_status(tx: Tx, employee: int, status: StaffStatus) -> None:
    """Keeps what the employee says, until they say otherwise."""
    await _sql.set_status(tx, employee=employee, status=status)
