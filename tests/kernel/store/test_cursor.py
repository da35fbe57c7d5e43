"""A cursor bears the name of its list, and a time in it is one of ours."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from kernel.store.cursor import Cursor, check_utc


class Shelf(Cursor, frozen=True):
    """Where a list of shelves ended."""

    no: int


class Book(Cursor, frozen=True):
    """Where a list of books ended."""

    no: int


def test_no_other_list_takes_it() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(Shelf(1)), type=Book)


def test_a_time_is_in_utc() -> None:
    check_utc(datetime(2026, 1, 1, tzinfo=UTC))
    for other in (datetime(2026, 1, 1), datetime.max.replace(tzinfo=timezone(timedelta(hours=-10)))):  # noqa: DTZ001  # the point
        with pytest.raises(ValueError, match="UTC"):
            check_utc(other)
