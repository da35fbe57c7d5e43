"""What cursors are made of: values that PostgreSQL can compare, however the cursor was forged."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

Id = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Transaction = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Words = Annotated[str, Meta(pattern=r"^[^\x00]*\Z")]
Moment = Annotated[datetime, Meta(tz=True)]


class Cursor(Struct, frozen=True, tag=True):
    """Where a part of a list ended; it bears the name of its class, so that no other list takes it."""


def check_utc(at: datetime) -> None:
    """Raises `ValueError` unless the time is in UTC, as ours are: others may not fit into a day of PostgreSQL."""
    if at.utcoffset() != timedelta():
        raise ValueError("not in UTC")
