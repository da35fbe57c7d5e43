"""Reminders (提醒): rules as data, each produced once per person and occurrence, late where that still helps."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from kernel.calendar import BEIJING
from kernel.database import Tx
from kernel.sql import load
from mobile_contracts.template import Channel
from notifications import broadcast, wording
from notifications.broadcast import Wanted

_DAY = timedelta(days=1)


class Rule(Struct, frozen=True):
    """Who is told what so many days before which event; `catch_up` is how many days late it still makes sense."""

    code: str
    event: Literal["birthday", "questionnaire_expires"]
    template: str
    channels: list[Channel]
    days_before: int
    catch_up: int
    produced_on: date | None

    def days(self, today: date) -> tuple[date, date]:
        """The first and last day on which an event lies that is to be told today, or should have been lately."""
        late = self.catch_up if self.produced_on is None else min(self.catch_up, (today - self.produced_on).days - 1)
        ahead = timedelta(days=self.days_before)
        return today + ahead - max(late, 0) * _DAY, today + ahead


_sql = load(Path(__file__).with_name("reminder.sql"), Rule)


async def produce(tx: Tx, now: datetime) -> int:
    """Starts what is due at this moment and gives the number of people; what was produced is not produced again.

    Needs a transaction that sees every customer.
    """
    local = now.astimezone(BEIJING)
    today, told = local.date(), 0
    rules: list[Rule] = await _sql.due(tx, today=today, now=local.time())
    for rule in rules:
        told += await _produce(tx, rule, today)
        await _sql.produced(tx, code=rule.code, today=today)
    return told


async def _produce(tx: Tx, rule: Rule, today: date) -> int:
    first, last = rule.days(today)
    query = _sql.birthday if rule.event == "birthday" else _sql.questionnaire_expires
    concerned: defaultdict[date, list[int]] = defaultdict(list)
    for row in await query(tx, first=first, last=last):
        concerned[row["occurrence"]].append(row["customer_id"])
    return sum([await _tell(tx, rule, occurrence, ids, today) for occurrence, ids in sorted(concerned.items())])


async def _tell(tx: Tx, rule: Rule, occurrence: date, concerned: list[int], today: date) -> int:
    """Starts one broadcast to those who were not told of this occurrence."""
    known = set(await _sql.told(tx, rule=rule.code, occurrence=occurrence, customer_ids=concerned))
    ids = [one for one in concerned if one not in known]
    if not ids:
        return 0
    line = await wording.find(tx, rule.template)
    started = await broadcast.start(
        tx,
        Wanted(
            kind=rule.code, template=rule.template, purpose=line.purpose, channels=tuple(rule.channels),
            values={} if rule.event == "birthday" else {"day": occurrence.isoformat()}, customer_ids=ids,
            by="system:reminder", expires_at=_end(rule, today),
        ),
    )  # fmt: skip
    await _sql.add(tx, rule=rule.code, occurrence=occurrence, customer_ids=ids, broadcast_id=started)
    return len(ids)


def _end(rule: Rule, today: date) -> datetime:
    """A congratulation is good for its day, anything else for a few."""
    return datetime.combine(today + (_DAY if rule.event == "birthday" else 3 * _DAY), datetime.min.time(), BEIJING)
