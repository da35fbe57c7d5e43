"""Allowed hours are half-open, in Beijing, and what is handed over is never good beyond their end."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kernel.calendar.days import BEIJING
from kernel.settings import Settings
from notifications.broadcast import hours
from notifications.broadcast.hours import ALWAYS, Hours

MOMENTS = st.datetimes(
    datetime.fromisoformat("2001-01-01"), datetime.fromisoformat("2090-01-01"), timezones=st.just(UTC)
)
TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0))
HOURS = st.tuples(TIMES, TIMES).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Hours(*pair))


def test_the_default_hours_are_half_open_in_beijing() -> None:
    marketing, service = hours.of(Settings(), "marketing"), hours.of(Settings(), "service")
    day = datetime(2026, 11, 20, tzinfo=BEIJING)
    assert marketing.end(day.replace(hour=7, minute=59, second=59)) is None
    assert marketing.end(day.replace(hour=8)) == day.replace(hour=22)
    assert marketing.end(day.replace(hour=21, minute=59, second=59)) == day.replace(hour=22)
    assert marketing.end(day.replace(hour=22)) is None
    assert marketing.next(day.replace(hour=22)) == day.replace(hour=8) + timedelta(days=1)
    assert service.end(day.replace(hour=7)) == day.replace(hour=23)
    assert hours.of(Settings(), "transactional") == ALWAYS


@given(HOURS, MOMENTS)
def test_a_moment_is_inside_exactly_when_its_time_of_day_is(wanted: Hours, at: datetime) -> None:
    of_day = at.astimezone(BEIJING).time()
    end = wanted.end(at)
    assert (end is not None) == (wanted.opens <= of_day < wanted.closes)
    if end is not None:
        assert at < end <= at + timedelta(days=1)
        assert end.astimezone(BEIJING).time() == wanted.closes


@given(HOURS, MOMENTS)
def test_what_waits_goes_as_soon_as_it_may(wanted: Hours, at: datetime) -> None:
    goes = wanted.next(at)
    assert at <= goes < at + timedelta(days=1)
    assert wanted.end(goes) is not None
    assert (goes == at) == (wanted.end(at) is not None)


@given(MOMENTS)
def test_always_is_always(at: datetime) -> None:
    assert ALWAYS.next(at) == at


@given(HOURS, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_message_is_never_good_beyond_its_hours_or_its_own_end(wanted: Hours, at: datetime, left: timedelta) -> None:
    last = hours.last_moment(wanted, at, at + left)
    end = wanted.end(at)
    assert (last is None) == (end is None or not left)
    if last is not None:
        assert end is not None
        assert at < last <= min(end, at + left)


def test_hours_are_read_as_settings_write_them() -> None:
    assert Hours.parse("08:00-22:00") == Hours(time(8), time(22))
    late = Hours.parse("18:30-24:00")
    night = datetime(2026, 11, 20, 23, 59, 59, tzinfo=BEIJING)
    assert late.end(night) == datetime(2026, 11, 21, tzinfo=BEIJING)
