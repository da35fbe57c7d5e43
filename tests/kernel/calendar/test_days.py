"""Which days trade in Shanghai and when, against what the exchange published, and rules that hold for every day."""

import datetime
import zoneinfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.calendar import days
from kernel.calendar.days import BEIJING, Calendar
from kernel.errors import InvalidInput

Day = datetime.date
PLAIN = Calendar()
DAYS = st.dates(Day(2002, 1, 1), Day(2098, 12, 31))
CALENDARS = st.dictionaries(st.dates(Day(2026, 1, 1), Day(2026, 12, 31)), st.booleans()).map(Calendar)
IN_2026 = st.dates(Day(2026, 2, 1), Day(2026, 11, 30))


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("year", "count"), [(2020, 243), (2021, 243), (2022, 242), (2023, 242), (2024, 242), (2025, 243)]
)
def test_a_year_has_as_many_trading_days_as_the_exchange_held(year: int, count: int) -> None:
    assert len(PLAIN.trading_days(Day(year, 1, 1), Day(year, 12, 31))) == count


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2024-02-09", False),  # the eve of the Spring Festival, closed by the exchange alone
        ("2020-01-31", False),  # the Spring Festival, prolonged
        ("2020-02-03", True),
        ("2025-01-26", False),  # a Sunday on which offices work and the exchange does not
        ("2025-10-08", False),
        ("2025-10-09", True),
        ("2026-02-23", False),
        ("2026-02-24", True),
    ],
)
def test_days_that_are_easily_got_wrong(day: str, is_open: bool) -> None:
    assert PLAIN.is_trading_day(Day.fromisoformat(day)) is is_open


def test_an_override_has_the_last_word() -> None:
    told = Calendar({Day(2026, 11, 23): False, Day(2026, 11, 22): True})
    assert not told.is_trading_day(Day(2026, 11, 23))
    assert told.is_trading_day(Day(2026, 11, 22))
    assert told.next_trading_day(Day(2026, 11, 22)) == Day(2026, 11, 24)
    assert told.sessions(Day(2026, 11, 23)) == []


@pytest.mark.parametrize(
    ("moment", "trades"),
    [
        ("2026-11-23T09:29:59.999999+08:00", False),
        ("2026-11-23T09:30:00+08:00", True),
        ("2026-11-23T11:29:59.999999+08:00", True),
        ("2026-11-23T11:30:00+08:00", False),
        ("2026-11-23T13:00:00+08:00", True),
        ("2026-11-23T15:00:00+08:00", False),
        ("2026-11-23T01:30:00+00:00", True),
        ("2026-11-22T10:00:00+08:00", False),
        ("2026-11-22T21:00:00-05:00", True),
    ],
)
def test_sessions_begin_with_their_first_instant_and_end_before_their_last(moment: str, trades: bool) -> None:
    assert PLAIN.in_session(at(moment)) is trades


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-23T09:00:00+08:00", "2026-11-23T09:30:00+08:00"),
        ("2026-11-23T09:30:00+08:00", "2026-11-23T09:30:00+08:00"),
        ("2026-11-23T10:00:00+08:00", "2026-11-23T13:00:00+08:00"),
        ("2026-11-27T14:00:00+08:00", "2026-11-30T09:30:00+08:00"),
        ("2026-09-30T15:00:00+08:00", "2026-10-08T09:30:00+08:00"),
    ],
)
def test_the_next_open(moment: str, opens: str) -> None:
    assert PLAIN.next_open(at(moment)) == at(opens)


@given(CALENDARS, IN_2026)
def test_next_and_previous_undo_one_another(told: Calendar, day: Day) -> None:
    following = told.next_trading_day(day)
    assert following > day
    assert told.is_trading_day(following)
    assert told.previous_trading_day(following) <= day
    if told.is_trading_day(day):
        assert told.previous_trading_day(following) == day


@given(CALENDARS, IN_2026, st.integers(0, 15))
def test_adding_and_counting_agree(told: Calendar, day: Day, count: int) -> None:
    start = told.add_trading_days(day, 0)
    end = told.add_trading_days(start, count)
    assert told.trading_days_between(start, end) == count
    assert told.trading_days_between(end, start) == -count
    assert told.add_trading_days(end, -count) == start


@given(DAYS, st.integers(0, 400))
def test_no_market_is_closed_for_a_fortnight(day: Day, count: int) -> None:
    assert (PLAIN.next_trading_day(day) - day).days < 14


@given(
    CALENDARS,
    st.builds(datetime.datetime.combine, IN_2026, st.times(), st.timezones()),
)
def test_the_next_open_is_the_first_moment_of_a_session(told: Calendar, moment: datetime.datetime) -> None:
    opens = told.next_open(moment)
    assert opens >= moment
    assert told.in_session(opens)
    assert not told.in_session(opens - datetime.timedelta(microseconds=1))


def test_questions_without_an_answer_are_refused() -> None:
    for ask in (
        lambda: PLAIN.is_trading_day(Day(2000, 12, 31)),
        lambda: PLAIN.is_trading_day(Day(2100, 1, 1)),
        lambda: PLAIN.next_trading_day(Day(2099, 12, 31)),
        lambda: PLAIN.add_trading_days(Day(2026, 1, 1), days.MOST_DAYS + 1),
        lambda: PLAIN.trading_days(Day(2026, 1, 2), Day(2026, 1, 1)),
        lambda: PLAIN.trading_days(Day(2010, 1, 1), Day(2026, 1, 1)),
        lambda: PLAIN.in_session(datetime.datetime.fromisoformat("2026-01-01")),
    ):
        with pytest.raises(InvalidInput):
            ask()


def test_it_says_how_far_it_is_certain() -> None:
    until = days.certain_until()
    assert (until.month, until.day) == (12, 31)
    assert until.year >= 2026
    # days off in exchange for a working weekend are known by publication alone
    for year, published in ((until.year, True), (until.year + 1, False)):
        names = str(holidays.financial_holidays("XSHG", years=year, language="en_US"))
        assert ("substituted" in names) == published


def test_beijing_time_is_that_of_the_zone() -> None:
    zone = zoneinfo.ZoneInfo("Asia/Shanghai")
    for year in range(2001, 2100):
        moment = datetime.datetime(year, 7, 1, tzinfo=datetime.UTC)
        assert moment.astimezone(zone).utcoffset() == moment.astimezone(BEIJING).utcoffset()
