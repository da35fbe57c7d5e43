"""Beat's event makes the rules' reminders."""

import msgspec
import pytest

from kernel.calendar.days import today
from kernel.settings import Settings
from kernel.store.database import Tx
from mobile_contracts.event import ReminderDue, RemindersDue
from notifications.reminder import reminder
from tests.notifications.house import House
from workers.messaging.reminder import produce_reminders, produce_rule


async def due(tx: Tx) -> list[ReminderDue]:
    """The rules that were started."""
    rows = await tx.fetch("select payload::text from outbox where kind = 'ReminderDue' order by id")
    return [msgspec.json.decode(row[0], type=ReminderDue) for row in rows]


async def test_reminders_are_produced_when_they_are_due(tx: Tx, settings: Settings) -> None:
    house = House(tx, settings)
    await house.open()
    await house.customer(birthday=today().replace(year=2000))
    await tx.execute("update reminder_rule set at = '00:00'")
    for _ in range(2):
        await produce_reminders(tx, RemindersDue())
    started = await due(tx)
    assert sorted(one.rule for one in started) == sorted(
        row[0] for row in await tx.fetch("select code from reminder_rule where enabled")
    )
    for one in started:
        await produce_rule(tx, one)
        await produce_rule(tx, one)
    assert await tx.fetchval("select count(*) from reminder") == 1


async def test_a_rule_that_fails_stops_no_other(tx: Tx, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(tx, settings)
    await house.open()
    await house.customer(birthday=today().replace(year=2000))
    await tx.execute("update reminder_rule set at = '00:00'")
    await produce_reminders(tx, RemindersDue())

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("this rule never works")

    monkeypatch.setattr(reminder._sql, "questionnaire_expires", broken)
    failed = 0
    for one in await due(tx):
        try:
            async with tx.transaction():  # as each is a job of its own
                await produce_rule(tx, one)
        except RuntimeError:
            failed += 1
    assert failed == 1
    assert await tx.fetchval("select count(*) from reminder") == 1
