"""Who it is that wants to sign in: employees who work here, customers who are not closed."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from kernel.errors import InvalidInput
from kernel.security.crypto import BlindIndex
from kernel.security.scope import Audience
from kernel.store.database import Tx
from kernel.store.sql import load

_sql = load(Path(__file__).with_name("people.sql"))


class Person(Struct, frozen=True):
    """Somebody known: the number, and for customers the sealed mobile number with its index, where there is one."""

    subject: str
    mobile: bytes | None = None
    mobile_index: bytes | None = None


async def employee(tx: Tx, employee_no: str) -> Person | None:
    """The employee who works here today."""
    row: Any = await _sql.employee(tx, employee_no=employee_no)
    return None if row is None else Person(row["subject"])


async def customer(tx: Tx, index: BlindIndex, login: str) -> Person | None:
    """The customer of that number, else the only one with that mobile number; null also when several share it.

    The mobile number is the one that the account was opened with: what a broker enters does not open anything.
    """
    rows: list[Any] = await _sql.customers(tx, login=login, mobile_index=_index(index, login))
    named = [row for row in rows if row["by_number"]] or rows
    if len(named) != 1:
        return None
    return Person(named[0]["customer_no"], named[0]["mobile"], named[0]["mobile_index"])


async def is_here(tx: Tx, audience: Audience, subject: str) -> bool:
    """Whether the person still works here, or is a customer still."""
    return bool(await _sql.is_here(tx, audience=audience, subject=subject))


async def knows(tx: Tx, audience: Audience, person: Person | None, device_id: str) -> bool:
    """Whether the person has signed in on this device, and did not revoke it; nobody knows none."""
    subject = "" if person is None else person.subject
    return bool(await _sql.knows(tx, audience=audience, subject=subject, device_id=device_id))


async def works_on(tx: Tx, device_id: str) -> bool:
    """Whether anybody of staff has signed in on this device: before single sign-on nobody says who they are."""
    return bool(await _sql.works_on(tx, device_id=device_id))


def _index(index: BlindIndex, login: str) -> bytes:
    """The index of a mobile number; of anything else one that nobody has, so that the work is the same."""
    try:
        return index.of("mobile", login)
    except InvalidInput:
        return b""
