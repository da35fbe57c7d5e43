"""How big the made-up brokerage is, where its people stand, and what its days are."""

import datetime

import numpy as np
from msgspec import Struct

from hexad.demo.mix import Mix, Whole
from kernel.calendar.days import Calendar

CUSTOMERS_PER_BROKER, BROKERS_PER_TEAM, BROKERS_PER_BRANCH, BRANCHES, REGIONS = 750, 10, 5, 80, 8
NEW_PER_DAY = 0.0005
"""Share of the customers that is new each day after the first."""

Day = datetime.date


class Brokerage(Struct, frozen=True, kw_only=True):
    """`customers` is how many there are on the last of `days`, which are trading days, the oldest first."""

    customers: int
    days: tuple[Day, ...]
    mix: Mix

    @property
    def brokers(self) -> int:
        """One per 750 customers."""
        return max(1, round(self.customers / CUSTOMERS_PER_BROKER))

    @property
    def branches(self) -> int:
        """80, or fewer where brokers are few."""
        return min(BRANCHES, max(1, self.brokers // BROKERS_PER_BRANCH))

    @property
    def regions(self) -> int:
        """8, or fewer where branches are few."""
        return min(REGIONS, self.branches)

    @property
    def advisers(self) -> int:
        """One per ten brokers, one per branch at least."""
        return max(self.branches, self.brokers // 10)

    @property
    def former(self) -> int:
        """Brokers who left, or will on one of the days."""
        return max(self.branches, self.brokers // 30)

    def customers_on(self, number: int) -> int:
        """How many customers there are on the day of this number; 0 is the first."""
        new = int(self.customers * NEW_PER_DAY) + 1
        return max(1, self.customers - new * (len(self.days) - 1 - number))

    def seen_first(self, customer: Whole) -> Whole:
        """The number of the day on which each customer is delivered first."""
        limits = [self.customers_on(number) for number in range(len(self.days))]
        return np.asarray(np.searchsorted(limits, customer, side="right"), np.uint64)

    def of_branch(self, branch: Whole, pool: int, pick: Whole) -> Whole:
        """One of a pool of people who are dealt out to the branches in turn, among those of the branch."""
        branches = np.uint64(self.branches)
        in_branch = (np.uint64(pool) - branch + branches - np.uint64(1)) // branches
        return np.asarray(branch + branches * (pick % in_branch), np.uint64)

    def latest(self, stream: str, share: float, index: Whole, number: int) -> tuple[Whole, Whole]:
        """The number of the last day on which a share changed, and of the one before that; 0: none since the first."""
        last, before = np.zeros(len(index), np.uint64), np.zeros(len(index), np.uint64)
        for day in range(1, number + 1):
            changed = self.mix.uniform(stream, index, day) < share
            before[changed], last[changed] = last[changed], day
        return last, before

    def dates(self) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """The days as numpy has them."""
        return np.array(self.days, "datetime64[D]")


def made_up(customers: int, days: int, seed: int, until: Day) -> Brokerage:
    """The brokerage that these arguments describe; raises `InvalidInput` outside the calendar."""
    return Brokerage(customers=customers, days=trading_days(until, days), mix=Mix(seed))


def trading_days(until: Day, count: int) -> tuple[Day, ...]:
    """The last `count` trading days up to `until`, the oldest first; raises `InvalidInput` outside the calendar."""
    calendar = Calendar()
    last = until if calendar.is_trading_day(until) else calendar.previous_trading_day(until)
    found = [last]
    while len(found) < count:
        found.append(calendar.previous_trading_day(found[-1]))
    return tuple(reversed(found))
