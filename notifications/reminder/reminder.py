"""Reminders (提醒): rules as data, each produced once per person and occurrence, late where that still helps."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from kernel.calendar.days import BEIJING
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.messaging.template import Channel
from notifications.broadcast import broadcast
from notifications.broadcast.broadcast import Wanted
from notifications.template.template import find as find_template

_DAY = timedelta(days=1)


CHUNK = 100_000
"""Customers that one statement looks at: none takes long, however many there are."""


class Due(Struct, frozen=True):
    """A rule whose time has come, for a day; `catch_up` is how many days late it still makes sense."""

    code: str
    day: date
    days_before: int
    catch_up: int
    produced_on: date | None

    def days(self) -> tuple[date, date]:
        """The first and last day on which an event lies that is to be told now, or should have been lately."""
        late = self.catch_up
        if self.produced_on is not None:
            late = min(self.catch_up, (self.day - self.produced_on).days - 1)
        ahead = timedelta(days=self.days_before)
        return self.day + ahead - max(late, 0) * _DAY, self.day + ahead


class Rule(Struct, frozen=True):
    """Who is told what before which event."""

    code: str
    event: Literal["birthday", "questionnaire_expires"]
    template: str
    channels: list[Channel]


_sql = load(Path(__file__).with_name("reminder.sql"), Due, Rule)


async def take_due(tx: Tx, now: datetime) -> list[Due]:
    """The rules whose time has come, each once a day: whoever takes them has them produced."""
    local = now.astimezone(BEIJING)
    due: list[Due] = await _sql.take_due(tx, today=local.date(), now=local.time())
    return due


async def produce(tx: Tx, code: str, first: date, last: date, now: datetime) -> int:
    """Tells of a rule's events from one day to another, and gives the number of people.

    What was produced is not produced again. Needs a transaction that sees every customer.
    """
    rule: Rule | None = await _sql.find(tx, code=code)
    if rule is None:
        return 0
    query = _sql.birthday if rule.event == "birthday" else _sql.questionnaire_expires
    concerned: defaultdict[date, list[int]] = defaultdict(list)
    for after in range(0, int(await _sql.last_customer(tx)), CHUNK):
        for row in await query(tx, first=first, last=last, after=after, upto=after + CHUNK):
            concerned[row["occurrence"]].append(row["customer_id"])
    return sum([await _tell(tx, rule, occurrence, ids, now) for occurrence, ids in sorted(concerned.items())])


async def _tell(tx: Tx, rule: Rule, occurrence: date, concerned: list[int], now: datetime) -> int:
    """Starts one broadcast to those who were not told of this occurrence."""
    known = set(await _sql.told(tx, rule=rule.code, occurrence=occurrence, customer_ids=concerned))
    ids = [one for one in concerned if one not in known]
    if not ids:
        return 0
    line = await find_template(tx, rule.template)
    started = await broadcast.start(
        tx,
        Wanted(
            kind=rule.code, template=rule.template, purpose=line.purpose, channels=tuple(rule.channels),
            values={} if rule.event == "birthday" else {"day": occurrence.isoformat()}, customer_ids=ids,
            by="system:reminder", expires_at=_end(rule, now),
        ),
    )  # fmt: skip
    await _sql.add(tx, rule=rule.code, occurrence=occurrence, customer_ids=ids, broadcast_id=started)
    return len(ids)


def _end(rule: Rule, now: datetime) -> datetime:
    """A congratulation is good for its day, anything else for a few; what is late at night has an hour all the same."""
    today = now.astimezone(BEIJING).date()
    end = datetime.combine(today + (_DAY if rule.event == "birthday" else 3 * _DAY), datetime.min.time(), BEIJING)
    return max(end, now + timedelta(hours=1))
