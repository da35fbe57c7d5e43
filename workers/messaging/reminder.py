"""Produces reminders when the clock says so, each rule in a job of its own: one that fails stops no other."""

from kernel.events.outbox import emit
from kernel.security.scope import apply_system
from kernel.store import clock
from kernel.store.database import Tx
from kernel.telemetry import logs
from mobile_contracts.event import ReminderDue, RemindersDue
from notifications.reminder import reminder
from workers.runtime.registry import handles

_log = logs.logger(__name__)


@handles(RemindersDue, name="produce_reminders")
async def produce_reminders(tx: Tx, event: RemindersDue) -> None:
    """Starts the rules whose time has come."""
    await apply_system(tx, "reminder", kind="company")
    for due in await reminder.take_due(tx, await clock.now(tx)):
        first, last = due.days()
        await emit(tx, ReminderDue(rule=due.code, first=first, last=last))


@handles(ReminderDue, name="produce_rule")
async def produce_rule(tx: Tx, event: ReminderDue) -> None:
    """Tells those whom one rule concerns and who were not told yet."""
    await apply_system(tx, "reminder", kind="company")
    told = await reminder.produce(tx, event.rule, event.first, event.last, await clock.now(tx))
    if told:
        _log.info("reminders were produced", rule=event.rule, people=told)
