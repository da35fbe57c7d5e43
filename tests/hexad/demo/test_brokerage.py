"""How big a made-up brokerage is, and which days it has."""

import datetime

import pytest

from hexad.demo.brokerage import made_up

_UNTIL = datetime.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("customers", "brokers", "branches", "regions"), [(3_000_000, 4000, 80, 8), (30_000, 40, 8, 8), (1, 1, 1, 1)]
)
def test_it_is_as_big_as_its_customers_need(customers: int, brokers: int, branches: int, regions: int) -> None:
    made = made_up(customers, 1, 1, _UNTIL)
    assert (made.brokers, made.branches, made.regions) == (brokers, branches, regions)


def test_its_days_are_the_last_trading_days() -> None:
    assert [str(day) for day in made_up(100, 3, 1, datetime.date(2026, 11, 22)).days] == [
        "2026-11-18",
        "2026-11-19",
        "2026-11-20",
    ]


def test_customers_become_more_up_to_the_number_that_was_asked_for() -> None:
    made = made_up(30_000, 3, 1, _UNTIL)
    assert [made.customers_on(number) for number in range(3)] == [29_968, 29_984, 30_000]
