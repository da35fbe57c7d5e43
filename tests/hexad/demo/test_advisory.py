"""Products, contracts and questionnaires fit the customers they are of, and one another."""

import datetime
from collections import Counter

from hexad.demo import advisory
from hexad.demo.brokerage import made_up
from hexad.demo.customers import Customers

_BROKERAGE = made_up(40_000, 3, 5, datetime.date(2026, 11, 20))


def test_contracts_are_of_every_kind_and_of_products_that_there_are() -> None:
    codes = set(advisory.product(_BROKERAGE, 2).to_pydict()["product_code"])
    contracts = advisory.contract(Customers(_BROKERAGE, 2, 0, 40_000)).to_pylist()
    assert {one["product_code"] for one in contracts} <= codes
    assert Counter(one["kind"] for one in contracts).keys() == {"advisory", "service", "product", "trial"}
    assert len({one["contract_no"] for one in contracts}) == len(contracts) > 1000
    spans = [(one["signed_on"], one["ended_on"]) for one in contracts]
    assert all(ended is None or ended >= signed for signed, ended in spans)
    ends = {ended is not None and ended <= _BROKERAGE.days[-1] for _, ended in spans}
    assert ends == {True, False}


def test_contracts_become_more_and_never_fewer_from_day_to_day() -> None:
    before, after = (
        {one["contract_no"] for one in advisory.contract(Customers(_BROKERAGE, day, 0, 20_000)).to_pylist()}
        for day in (1, 2)
    )
    assert before < after


def test_whoever_answers_is_assessed_that_day_and_some_answers_expire_soon() -> None:
    today = _BROKERAGE.days[2]
    customers = Customers(_BROKERAGE, 2, 0, 40_000)
    known = {one["customer_no"]: one for one in customers.customer().to_pylist()}
    answered = advisory.questionnaire(customers).to_pylist()
    for one in answered:
        customer = known[one["customer_no"]]
        assert (customer["risk_assessed_on"], customer["risk_level"]) == (today, one["risk_level"])
        assert (one["risk_level"] - 1) * 20 < one["score"] <= one["risk_level"] * 20
    left = [(one["expires_on"] - today).days for one in answered]
    assert {0 < days <= 30 for days in left} == {True, False}
    assert 0 in left
