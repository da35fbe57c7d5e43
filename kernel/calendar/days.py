"""The trading calendar of Shanghai (交易日历): which days trade, and from when to when, as pure rules over overrides.

Days are weekdays without the holidays that the package `holidays` knows for XSHG, unless an override says otherwise.
Sessions are 09:30-11:30 and 13:00-15:00 in Beijing, without their last instant.
"""

import datetime
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

import holidays
from msgspec import Struct

from kernel.errors import InvalidInput

Day = datetime.date

FIRST, LAST = Day(2001, 1, 1), Day(2099, 12, 31)
"""The days that can be asked about."""

MOST_DAYS = 366 * 5
"""The longest range, in calendar days, and the longest walk, in trading days."""

BEIJING = datetime.timezone(datetime.timedelta(hours=8), "Asia/Shanghai")
"""Beijing time; there is no summer time in the range of the calendar."""

_SESSIONS = (
    (datetime.time(9, 30), datetime.time(11, 30)),
    (datetime.time(13), datetime.time(15)),
)
_ONE_DAY = datetime.timedelta(days=1)


class Calendar(Struct, frozen=True):
    """The calendar under given overrides: day to whether the market is open."""

    overrides: Mapping[Day, bool] = MappingProxyType({})

    def is_trading_day(self, day: Day) -> bool:
        """Whether the market opens on the day; raises `InvalidInput` outside 2001-2099, as all that follow."""
        overridden = self.overrides.get(_bounded(day))
        return package_says(day) if overridden is None else overridden

    def next_trading_day(self, day: Day) -> Day:
        """The first trading day after the day."""
        return self.add_trading_days(day, 1)

    def previous_trading_day(self, day: Day) -> Day:
        """The last trading day before the day."""
        return self.add_trading_days(day, -1)

    def add_trading_days(self, day: Day, count: int) -> Day:
        """The count-th trading day after the day, before it when negative; 0 is the day itself or the next one open."""
        if abs(count) > MOST_DAYS:
            raise InvalidInput(f"at most {MOST_DAYS} trading days", f"最多 {MOST_DAYS} 个交易日")
        if count == 0:
            return day if self.is_trading_day(day) else self.add_trading_days(day, 1)
        step = _ONE_DAY if count > 0 else -_ONE_DAY
        left = abs(count)
        while left:
            day = _bounded(day + step)
            left -= self.is_trading_day(day)
        return day

    def trading_days(self, first: Day, last: Day) -> list[Day]:
        """The trading days from first to last, both included; raises `InvalidInput` beyond `MOST_DAYS`."""
        return [day for day in days(first, last) if self.is_trading_day(day)]

    def trading_days_between(self, start: Day, end: Day) -> int:
        """Trading days from start (included) to end (not included); negative when end comes before start."""
        if end < start:
            return -self.trading_days_between(end, start)
        return len(self.trading_days(start, end - _ONE_DAY)) if start < end else 0

    def sessions(self, day: Day) -> list[tuple[datetime.datetime, datetime.datetime]]:
        """Begin and end of each session of the day, none when it does not trade."""
        if not self.is_trading_day(day):
            return []
        combine = datetime.datetime.combine
        return [(combine(day, opens, BEIJING), combine(day, closes, BEIJING)) for opens, closes in _SESSIONS]

    def in_session(self, at: datetime.datetime) -> bool:
        """Whether the market trades at that moment; `at` carries its offset."""
        return any(opens <= at < closes for opens, closes in self.sessions(day_of(at)))

    def next_open(self, at: datetime.datetime) -> datetime.datetime:
        """When the next session begins, at the earliest `at` itself."""
        for opens, _ in self.sessions(day_of(at)):
            if opens >= at:
                return opens
        return self.sessions(self.next_trading_day(day_of(at)))[0][0]


def days(first: Day, last: Day) -> Iterator[Day]:
    """The calendar days from first to last, both included; raises `InvalidInput` when there are none or too many."""
    if not _bounded(first) <= _bounded(last):
        raise InvalidInput("the last day comes before the first", "结束日期早于开始日期")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput(f"at most {MOST_DAYS} days at once", f"一次最多 {MOST_DAYS} 天")
    return (first + _ONE_DAY * number for number in range((last - first).days + 1))


def day_of(at: datetime.datetime) -> Day:
    """The day in Beijing at that moment; raises `InvalidInput` for a time without an offset."""
    if at.tzinfo is None:
        raise InvalidInput("the time has no offset", "时间缺少时区")
    return at.astimezone(BEIJING).date()


def today() -> Day:
    """The day in Beijing now."""
    return datetime.datetime.now(BEIJING).date()


def package_says(day: Day) -> bool:
    """Whether the package has the market open on the day, overrides aside."""
    return day.weekday() < 5 and day not in _closed(day.year)


def certain_until() -> Day:
    """The last day of the last year whose holidays were published; later ones are computed and may still move.

    The exchange publishes a year at the end of the one before; an update of `holidays` brings it, or overrides do.
    """
    published: Mapping[int, object] = holidays.financial_holidays("XSHG").special_public_holidays
    return Day(max(published), 12, 31)


@cache
def _closed(year: int) -> frozenset[Day]:
    return frozenset(holidays.financial_holidays("XSHG", years=year))


def _bounded(day: Day) -> Day:
    if not FIRST <= day <= LAST:
        raise InvalidInput("the calendar covers 2001 to 2099", "交易日历仅覆盖 2001 至 2099 年")
    return day
