"""Customers, accounts and relations fit one another, and change a little from day to day."""

import datetime

from hexad.demo.brokerage import made_up
from hexad.demo.customers import Customers

_BROKERAGE = made_up(20_000, 3, 5, datetime.date(2026, 11, 20))


def test_a_part_is_the_same_as_in_the_whole() -> None:
    whole, part = Customers(_BROKERAGE, 1, 0, 2000), Customers(_BROKERAGE, 1, 500, 600)
    assert part.customer().equals(whole.customer().slice(500, 100))


def test_keys_are_unique_and_days_in_order() -> None:
    customers = Customers(_BROKERAGE, 2, 0, 20_000)
    accounts, relations = customers.account().to_pydict(), customers.relation().to_pydict()
    assert len(set(accounts["account_no"])) == len(accounts["account_no"])
    keys = list(zip(*[relations[name] for name in ("customer_no", "employee_no", "kind", "valid_from")], strict=True))
    assert len(set(keys)) == len(keys)
    spans = zip(relations["valid_from"], relations["valid_to"], strict=True)
    assert all(to is None or to >= since for since, to in spans)


def test_about_one_in_a_hundred_changes_in_a_day() -> None:
    before = Customers(_BROKERAGE, 1, 0, 10_000).customer().to_pylist()
    after = Customers(_BROKERAGE, 2, 0, 10_000).customer().to_pylist()
    assert 50 < sum(one != other for one, other in zip(before, after, strict=True)) < 150
