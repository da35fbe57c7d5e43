"""When people may be written to (允许时段), pure: half-open hours of the day in Beijing, for each purpose its own."""

from datetime import datetime, time, timedelta
from typing import Self

from msgspec import Struct

from kernel.calendar.days import BEIJING
from kernel.settings import Settings
from mobile_contracts.messaging.outbound import Purpose

_DAY = timedelta(days=1)


class Hours(Struct, frozen=True):
    """From `opens` until `closes` of every day, `closes` excluded; midnight as an end is the end of the day."""

    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Hours written `08:00-22:00`, in the form that settings are checked for; the last end is `24:00`."""
        opens, closes = text.replace("24:00", "00:00").split("-")
        return cls(time.fromisoformat(opens), time.fromisoformat(closes))

    def end(self, at: datetime) -> datetime | None:
        """When the hours end in which this moment lies, null outside of them."""
        begins, ends = self._of_day(at)
        return ends if begins <= at < ends else None

    def next(self, at: datetime) -> datetime:
        """The moment itself within the hours, else when they begin again."""
        begins, ends = self._of_day(at)
        if at < begins:
            return begins
        return at if at < ends else begins + _DAY

    def _of_day(self, at: datetime) -> tuple[datetime, datetime]:
        day = at.astimezone(BEIJING).date()
        begins, ends = (datetime.combine(day, one, BEIJING) for one in (self.opens, self.closes))
        return begins, ends + _DAY if self.closes == time(0) else ends


ALWAYS = Hours(time(0), time(0))


def of(settings: Settings, purpose: Purpose) -> Hours:
    """The hours of a purpose: codes and receipts may be sent always."""
    match purpose:
        case "service":
            return Hours.parse(settings.service_hours)
        case "marketing":
            return Hours.parse(settings.marketing_hours)
    return ALWAYS


def last_moment(hours: Hours, at: datetime, until: datetime) -> datetime | None:
    """Until when a message handed over at this moment is good: never beyond the hours; null when it may not go now."""
    end = hours.end(at)
    return None if end is None or until <= at else min(end, until)
