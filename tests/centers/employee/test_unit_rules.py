"""What fits where in the organisation."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centers.employee import unit_rules as rules
from kernel.errors import InvalidInput, NotEmpty
from mobile_contracts.employee.unit import Unit, UnitChange, UnitKind

TODAY = date(2026, 11, 20)


def unit(kind: UnitKind, number: int = 1, parent: int | None = 9, ended_on: date | None = None) -> Unit:
    return Unit(number, kind, f"u{number}", "单位", parent, "feed", ended_on, 1)


def fields(error: InvalidInput) -> list[str]:
    return [one.field for one in error.errors]


@given(st.sampled_from(rules.KINDS), st.tuples(*[st.integers(0, 2)] * 3), st.sampled_from([None, TODAY]))
def test_an_open_unit_ends_once_it_is_empty(
    kind: UnitKind, stands: tuple[int, int, int], ended_on: date | None
) -> None:
    standing = rules.Standing(*stands)
    if kind == "company" or ended_on:
        with pytest.raises(InvalidInput):
            rules.check_end(unit(kind, ended_on=ended_on), standing, TODAY)
    elif any(stands):
        with pytest.raises(NotEmpty, match=f"employees: {stands[1]}, customers: {stands[2]}"):
            rules.check_end(unit(kind), standing, TODAY)
    else:
        rules.check_end(unit(kind), standing, TODAY)


@given(st.sampled_from(rules.KINDS), st.sampled_from(rules.KINDS))
def test_a_unit_stands_right_below_the_next_kind(kind: UnitKind, above: UnitKind) -> None:
    fits = (kind, above) in {("region", "company"), ("branch", "region"), ("team", "branch")}
    if fits:
        rules.check_place(kind, unit(above), TODAY)
    else:
        with pytest.raises(InvalidInput) as error:
            rules.check_place(kind, unit(above), TODAY)
        assert fields(error.value) == ["parent_id"]


@pytest.mark.parametrize(("ended_on", "open_"), [(date(2026, 11, 20), False), (date(2026, 11, 21), True), (None, True)])
def test_a_unit_is_gone_from_its_last_day_on(ended_on: date | None, *, open_: bool) -> None:
    assert rules.has_ended(unit("branch", ended_on=ended_on), TODAY) is not open_
    assert (rules.fault_of_ended(unit("branch", ended_on=ended_on), TODAY, "f") is None) is open_


def test_a_merged_branch_may_move_away_and_nothing_else() -> None:
    merged, branch, region = unit("branch", 1, 2, TODAY), unit("branch", 2, 3), unit("region", 3)
    rules.check_change(merged, branch, region, UnitChange("x", 3), TODAY)
    for stood_below, parent, change in (
        (branch, branch, UnitChange("renamed", 2)), (region, region, UnitChange("x", 4)),
        (branch, branch, UnitChange("x", 5)),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            rules.check_change(merged, stood_below, parent, change, TODAY)


def test_a_branch_is_not_merged_into_one_below_it() -> None:
    with pytest.raises(InvalidInput) as error:
        rules.check_merge(unit("branch", 1), unit("branch", 2), {2, 1, 9}, TODAY)
    assert fields(error.value) == ["into"]
    rules.check_merge(unit("branch", 1), unit("branch", 2), {2, 9}, TODAY)
