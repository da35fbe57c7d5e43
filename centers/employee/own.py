"""An employee as they see themselves."""

from pathlib import Path

from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.overview.me import Employee

_sql = load(Path(__file__).with_name("own.sql"), Employee)


async def find(tx: Tx, employee: int | None) -> Employee | None:
    """The employee with that database id, null when there is none."""
    found: Employee | None = await _sql.find(tx, employee=employee)
    return found
