"""Beat's event makes the rules' reminders."""

from kernel.calendar import today
from kernel.database import Tx
from kernel.settings import Settings
from mobile_contracts.event import RemindersDue
from tests.notifications.house import House
from workers.reminder import produce_reminders


async def test_reminders_are_produced_when_they_are_due(tx: Tx, settings: Settings) -> None:
    house = House(tx, settings)
    await house.open()
    await house.customer(birthday=today().replace(year=2000))
    await tx.execute("update reminder_rule set at = '00:00'")
    await produce_reminders(tx, RemindersDue())
    assert await tx.fetchval("select count(*) from reminder") == 1
