"""Produces reminders when the clock says so."""

from datetime import UTC, datetime

from kernel import logs
from kernel.database import Tx
from kernel.scope import apply_system
from mobile_contracts.event import RemindersDue
from notifications import reminder
from workers.registry import handles

_log = logs.logger(__name__)


@handles(RemindersDue)
async def produce_reminders(tx: Tx, event: RemindersDue) -> None:
    """Starts what the rules have due today and was not produced yet."""
    await apply_system(tx, "reminder", kind="company")
    told = await reminder.produce(tx, datetime.now(UTC))
    if told:
        _log.info("reminders were produced", people=told)
