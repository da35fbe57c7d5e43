"""The feeds `customer`, `account` and `relation` of the made-up brokerage, for a range of customers on one day."""

from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hexad.demo import people, text, words
from hexad.demo.brokerage import Brokerage
from hexad.demo.mix import Whole
from hexad.demo.people import ADVISER, BROKER, FORMER
from hexad.demo.text import Days, digits, joined, taken, where

CHANGED, MOVED, TRANSFERRED, CLOSING = 0.008, 0.008, 0.001, 0.0003
"""Shares of a day: other data, another broker, another branch, closed."""

_KINDS = (("cash", 1.0, "1", 11), ("sh_a", 0.55, "A", 9), ("sz_a", 0.45, "0", 9), ("margin", 0.03, "E", 9),
          ("fund_ta", 0.12, "F", 11), ("option", 0.005, "P", 11), ("futures", 0.005, "8", 11))  # fmt: skip
"""Kind of account, share of the customers who have one, first character and digits of its number."""

_LEVELS = (0.12, 0.25, 0.38, 0.18, 0.07)


class Customers:
    """A range of customers, by index, as they are on the day of a number."""

    def __init__(self, brokerage: Brokerage, number: int, first: int, end: int) -> None:
        self._all, self.mix, self._number = brokerage, brokerage.mix, number
        self.index = np.arange(first, end, dtype=np.uint64)
        self.days = brokerage.dates()
        self.today = self.days[number]

    @cached_property
    def customer_no(self) -> pa.Array:
        return digits(self.index + np.uint64(1), 9, "1")

    @cached_property
    def _born(self) -> tuple[pa.Array, Days, NDArray[np.bool_]]:
        return text.identity(self.index)

    @cached_property
    def _firm(self) -> NDArray[np.bool_]:
        return self.mix.uniform("institution", self.index) < 0.01

    @cached_property
    def _changed(self) -> Whole:
        return self._all.latest("customer.changed", CHANGED, self.index, self._number)[0]

    @cached_property
    def opened(self) -> Days:
        """The day on which they came: before the first day, or the one on which they are delivered first."""
        seen = self._all.seen_first(self.index)
        ago = self.mix.below(5_500, "opened", self.index) + np.uint64(30)
        return np.where(seen > 0, self.days[seen.astype(np.int64)], self.days[0] - ago.astype("timedelta64[D]"))

    @cached_property
    def closed(self) -> Days:
        """The first day on which they are closed, `NaT` where they are not."""
        share = self.mix.uniform("closed", self.index)
        span = (self.days[0] - self.opened).astype(np.int64)
        ago = (share / 0.04 * np.maximum(span - 10, 1)).astype(np.int64)
        early = (share < 0.04) & (span > 20)
        closed = np.where(early, self.days[0] - ago.astype("timedelta64[D]"), np.datetime64("NaT", "D"))
        for day in range(1, self._number + 1):
            late = (self.mix.uniform("closing", self.index, day) < CLOSING) & np.isnat(closed)
            closed[late & (self.opened < self.days[day])] = self.days[day]
        return closed

    @cached_property
    def _moved_branch(self) -> Whole:
        return self._all.latest("customer.transferred", TRANSFERRED, self.index, self._number)[0]

    @cached_property
    def branch(self) -> Whole:
        """The branch of each, by index."""
        return self._branch(self._moved_branch)

    def _branch(self, since: Whole) -> Whole:
        first = self.mix.below(self._all.brokers, "broker", self.index) % np.uint64(self._all.branches)
        other = self.mix.below(self._all.branches, "branch", self.index, since)
        return np.where(since > 0, other, first)

    def customer(self) -> pa.Table:
        """Rows of the feed `customer`."""
        identity, born, female = self._born
        mix, person, firms = self.mix, ~self._firm, self._firm
        foreign = mix.uniform("foreign", self.index) < 0.01
        kind = np.where(firms, 2, np.where(foreign, 1, 0))
        other_no = where(firms, digits(self.index + np.uint64(10**15), 16, "91"), digits(self.index, 8, "E"))
        name = text.person(mix, "customer", self.index, female)
        mailed = mix.uniform("email", self.index) < 0.3
        reached = mix.uniform("mobile", self.index) < 0.97
        return pa.table(
            {
                "customer_no": self.customer_no,
                "name": where(firms, text.firm(mix, self.index), name),
                "kind": taken(("individual", "institution"), firms.astype(np.int64)),
                "id_kind": taken(("identity_card", "passport", "business_licence"), kind),
                "id_no": where(kind == 0, identity, other_no),
                "mobile": where(reached, text.mobile(self.index + self._changed * np.uint64(10_000_000))),
                "email": where(mailed, joined("c", self.customer_no, "@example.com")),
                "gender": where(person, taken(("male", "female"), female.astype(np.int64))),
                "birthday": text.days(born, person),
                "branch_code": people.branch_codes(self.branch),
                "opened_on": text.days(self.opened),
                "closed_on": text.days(self.closed, ~np.isnat(self.closed)),
                **self._standing(),
            }
        )

    @cached_property
    def assessed(self) -> NDArray[np.bool_]:
        """Who has ever been assessed."""
        return self.mix.uniform("assessed", self.index) < 0.93

    @cached_property
    def assessed_on(self) -> Days:
        """When the last assessment was, for those who had one."""
        changed = self._changed
        ago = self.mix.below(1_000, "assessed.ago", self.index).astype("timedelta64[D]")
        first = np.maximum(self.days[0] - ago, self.opened)
        return np.where(changed > 0, self.days[changed.astype(np.int64)], first)

    @cached_property
    def level(self) -> NDArray[np.int64]:
        """The risk level of each, 1 to 5."""
        return self.mix.choice(_LEVELS, "level", self.index, self._changed) + 1

    def _standing(self) -> dict[str, pa.Array]:
        """Status, risk level and kind of investor."""
        status = self.mix.choice((0.79, 0.207, 0.003), "status", self.index)
        professional = (self.mix.uniform("professional", self.index) < 0.01).astype(np.int64)
        return {
            "status": taken(("normal", "dormant", "frozen", "closed"), np.where(np.isnat(self.closed), status, 3)),
            "risk_level": pa.array(self.level, pa.int8(), mask=~self.assessed),
            "risk_assessed_on": text.days(self.assessed_on, self.assessed),
            "investor_kind": taken(("ordinary", "professional"), professional),
        }

    def account(self) -> pa.Table:
        """Rows of the feed `account`: cash for everybody, others for some."""
        return pa.concat_tables([self._accounts(*kind) for kind in _KINDS])

    def _accounts(self, kind: str, share: float, prefix: str, width: int) -> pa.Table:
        mix, has = self.mix, self.mix.uniform(f"account.{kind}", self.index) < share
        index, closed = self.index[has], self.closed[has]
        changed, _ = self._all.latest(f"account.{kind}.changed", CHANGED, index, self._number)
        standing = mix.choice((0.97, 0.02, 0.01), f"account.{kind}.status", index, changed)
        bank = taken(words.BANKS, mix.below(len(words.BANKS), "bank", index, changed))
        banked = np.full(len(index), kind in ("cash", "margin", "futures"))
        return pa.table(
            {
                "account_no": digits(index + np.uint64(1), width, prefix),
                "customer_no": self.customer_no.filter(pa.array(has)),
                "kind": pa.array([kind] * len(index), pa.string()),
                "custodian_bank": where(banked, bank),
                "opened_on": text.days(self.opened[has]),
                "closed_on": text.days(closed, ~np.isnat(closed)),
                "status": taken(("normal", "restricted", "frozen", "closed"), np.where(np.isnat(closed), standing, 3)),
            }
        )

    def relation(self) -> pa.Table:
        """Rows of the feed `relation`: a broker serves, one develops, an adviser advises; some did so before."""
        moved, before = self._all.latest("relation.moved", MOVED, self.index, self._number)
        moved = np.maximum(moved, self._moved_branch)
        return pa.concat_tables(
            [self._service(moved), self._service_before(moved, before), self._develop(), self._advise()]
        )

    def _broker(self, since: Whole, branch: Whole) -> Whole:
        """Who serves each customer since the day of a number."""
        first = self.mix.below(self._all.brokers, "broker", self.index)
        pick = self.mix.bits("broker.next", self.index, since)
        return np.where(since > 0, self._all.of_branch(branch, self._all.brokers, pick), first)

    def _service(self, moved: Whole) -> pa.Table:
        since = np.where(moved > 0, self.days[moved.astype(np.int64)], self.opened)
        everyone = np.ones(len(self.index), np.bool_)
        to = np.where(self.closed > since, self.closed, np.where(np.isnat(self.closed), self.closed, since))
        return self._relations(everyone, BROKER, self._broker(moved, self.branch), "service", ("1.0000", since, to))

    def _service_before(self, moved: Whole, before: Whole) -> pa.Table:
        """Who served until the customer was given to another broker."""
        earlier = np.where(before < moved, before, np.uint64(0))
        since = np.where(earlier > 0, self.days[earlier.astype(np.int64)], self.opened)
        until = self.days[moved.astype(np.int64)]
        branch = self._branch(np.where(self._moved_branch <= earlier, self._moved_branch, np.uint64(0)))
        had = (moved > 0) & (since < until)
        return self._relations(had, BROKER, self._broker(earlier, branch), "service", ("1.0000", since, until))

    def _develop(self) -> pa.Table:
        """Some were won by a broker of the branch, of whom some have left since."""
        mix, share = self.mix, self.mix.uniform("develop", self.index)
        origin = self._branch(np.zeros(len(self.index), np.uint64))
        broker = self._all.of_branch(origin, self._all.brokers, mix.bits("develop.who", self.index))
        former = self._all.of_branch(origin, self._all.former, mix.bits("develop.former", self.index))
        left = people.former_left_on(self._all, former)
        forever = np.full(len(self.index), np.datetime64("NaT", "D"))
        return pa.concat_tables(
            [
                self._relations(share < 0.26, BROKER, broker, "develop", ("0.5000", self.opened, forever)),
                self._relations(
                    (share > 0.96) & (self.opened < left), FORMER, former, "develop", ("1.0000", self.opened, left)
                ),
            ]
        )

    def _advise(self) -> pa.Table:
        mix, origin = self.mix, self._branch(np.zeros(len(self.index), np.uint64))
        adviser = self._all.of_branch(origin, self._all.advisers, mix.bits("advise.who", self.index))
        forever = np.full(len(self.index), np.datetime64("NaT", "D"))
        return self._relations(
            mix.uniform("advise", self.index) < 0.07, ADVISER, adviser, "advise", ("1.0000", self.opened, forever)
        )

    def _relations(
        self, has: NDArray[np.bool_], people_kind: str, who: Whole, kind: str, holds: tuple[str, Days, Days]
    ) -> pa.Table:
        share, since, to = holds
        count = int(has.sum())
        return pa.table(
            {
                "customer_no": self.customer_no.filter(pa.array(has)),
                "employee_no": people.numbers(people_kind, who[has]),
                "kind": pa.array([kind] * count, pa.string()),
                "share": pa.array([share] * count, pa.string()).cast(pa.decimal128(5, 4)),
                "valid_from": text.days(since[has]),
                "valid_to": text.days(to[has], ~np.isnat(to[has])),
            }
        )
