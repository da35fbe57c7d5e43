"""The trading calendar as phones and terminals see it."""

from datetime import date, datetime
from typing import Literal

from mobile_contracts.base import Answer, Input, Text


class Session(Answer, frozen=True):
    """A stretch of trading: `opens` belongs to it, `closes` does not."""

    opens: datetime
    closes: datetime


class TradingDay(Answer, frozen=True):
    """One day of the calendar; `version` is that of its override, 0 where the package speaks."""

    day: date
    open: bool
    source: Literal["package", "override"]
    note: str
    version: int
    sessions: list[Session]


class TradingDayChange(Input, frozen=True):
    """What one day shall be, whatever the package says."""

    open: bool
    note: Text = ""
