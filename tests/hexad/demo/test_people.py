"""The organisation and its people hang together."""

import datetime

from hexad.demo import people
from hexad.demo.brokerage import made_up


def test_everybody_stands_in_a_branch_that_there_is() -> None:
    brokerage = made_up(75_000, 2, 1, datetime.date(2026, 11, 20))
    branches = people.branch(brokerage).to_pydict()
    staff = people.employee(brokerage, 1).to_pydict()
    assert set(staff["branch_code"]) == set(branches["branch_code"])
    assert len(set(staff["employee_no"])) == len(staff["employee_no"])
    assert sum(one == "branch_manager" for one in staff["position"]) == brokerage.branches
    assert all(left is None or left > hired for hired, left in zip(staff["hired_on"], staff["left_on"], strict=True))
