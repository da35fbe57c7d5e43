"""A reminder is produced once per person and occurrence, at its time in Beijing, late where that still helps."""

from datetime import date, datetime, timedelta

import pytest

from kernel.calendar.days import BEIJING, today
from kernel.store.database import Tx
from notifications.reminder import reminder
from notifications.reminder.reminder import Due
from tests.notifications.house import House

TODAY = today()
TEN = datetime.combine(TODAY, datetime.min.time(), BEIJING) + timedelta(hours=10)


async def told(tx: Tx) -> list[tuple[str, date, int]]:
    """Rule, occurrence and customer of every reminder."""
    rows = await tx.fetch("select rule, occurrence, customer_id from reminder order by rule, occurrence, customer_id")
    return [tuple(row) for row in rows]


async def produce(tx: Tx, now: datetime) -> int:
    """What is due at this moment is produced, rule by rule; gives the number of people."""
    due = await reminder.take_due(tx, now)
    return sum([await reminder.produce(tx, one.code, *one.days(), now) for one in due])


async def again(tx: Tx) -> None:
    """As if the rules had not been looked at today."""
    await tx.execute("update reminder_rule set produced_on = null")


async def test_a_birthday_is_congratulated_once_and_not_before_its_time(tx: Tx, house: House) -> None:
    born = date(1980, TODAY.month, TODAY.day) if (TODAY.month, TODAY.day) != (2, 29) else date(1980, 2, 29)
    anna = await house.customer(birthday=born)
    await house.customer(birthday=born, status="closed")
    await house.customer(birthday=born + timedelta(days=2))
    assert await produce(tx, TEN.replace(hour=8)) == 0
    assert await produce(tx, TEN) == 1
    assert await produce(tx, TEN) == 0
    await again(tx)
    assert await produce(tx, TEN) == 0, "once per person and year, whatever becomes of the rule"
    assert await told(tx) == [("birthday", TODAY, anna)]
    row = await tx.fetchrow("select kind, purpose, channels, expires_at from broadcast")
    assert row is not None
    assert (row["kind"], row["purpose"], row["channels"]) == ("birthday", "service", ["sms", "in_app"])
    assert row["expires_at"] == TEN.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize(("year", "day", "comes"), [(2027, 28, True), (2028, 28, False), (2028, 29, True)])
async def test_who_was_born_on_the_29th_of_february_has_a_birthday_every_year(
    tx: Tx, house: House, year: int, day: int, comes: bool
) -> None:
    await house.customer(birthday=date(1980, 2, 29))
    day_of = date(year, 2, day)
    found = await reminder._sql.birthday(tx, first=day_of, last=day_of, after=0, upto=2**31 - 1)
    assert len(found) == comes


async def test_a_questionnaire_is_reminded_of_thirty_days_before_and_up_to_a_week_late(tx: Tx, house: House) -> None:
    ends = TODAY + timedelta(days=30)
    two_years = {0: ends, 3: ends - timedelta(days=3), 8: ends - timedelta(days=8), -1: ends + timedelta(days=1)}
    people = {
        late: await house.customer(assessed_on=day.replace(year=day.year - 2))
        for late, day in two_years.items() if (day.month, day.day) != (2, 29)
    }  # fmt: skip
    assert await produce(tx, TEN) == 2
    assert {row[2] for row in await told(tx)} == {people[0], people[3]}
    given = await tx.fetch("select given->>'day' as day from broadcast order by 1")
    assert [row["day"] for row in given] == sorted([two_years[3].isoformat(), ends.isoformat()])
    await again(tx)
    assert await produce(tx, TEN) == 0


@pytest.mark.parametrize(("produced", "late"), [(None, 7), (1, 0), (2, 1), (40, 7)])
def test_what_was_missed_is_made_up_for(produced: int | None, late: int) -> None:
    produced_on = None if produced is None else TODAY - timedelta(days=produced)
    due = Due("r", TODAY, 30, 7, produced_on)
    assert due.days() == (TODAY + timedelta(days=30 - late), TODAY + timedelta(days=30))


@pytest.mark.parametrize(
    ("at", "hour", "minute", "day"),
    [("23:55", 23, 55, 0), ("23:55", 0, 5, -1), ("23:55", 0, 56, None), ("00:00", 0, 5, 0), ("10:00", 0, 5, None)],
)
async def test_a_rule_late_in_the_evening_is_due_though_nobody_looks_before_midnight(
    tx: Tx, house: House, at: str, hour: int, minute: int, day: int | None
) -> None:
    await tx.execute("update reminder_rule set at = $1::text::time, produced_on = $2", at, TODAY - timedelta(days=2))
    due = await reminder.take_due(tx, TEN.replace(hour=hour, minute=minute))
    wanted = set() if day is None else {TODAY + timedelta(days=day)}
    assert {one.day for one in due} == wanted
    assert await reminder.take_due(tx, TEN.replace(hour=hour, minute=minute)) == []


async def test_customers_are_looked_at_in_chunks_and_told_together(
    tx: Tx, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminder, "CHUNK", 2)
    people = [await house.customer(birthday=date(1980, TODAY.month, min(TODAY.day, 28))) for _ in range(5)]
    occurrence = TODAY.replace(day=min(TODAY.day, 28))
    assert await reminder.produce(tx, "birthday", occurrence, occurrence, TEN) == 5
    assert [one[2] for one in await told(tx)] == people
    assert await tx.fetchval("select count(*) from broadcast") == 1
