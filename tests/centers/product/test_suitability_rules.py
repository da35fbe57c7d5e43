"""Answers, scores, levels and suitability hold for whatever is answered and whatever a product is."""

import datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from centers.product import suitability_rules
from centers.product.suitability_rules import Standing
from kernel.errors import InvalidInput
from mobile_contracts.product.product import ChosenAnswer

TODAY = datetime.date(2026, 11, 20)
POINTS = {number: {"A": 0, "B": 2, "C": 5} for number in range(1, 21)}
letters = st.text("ABC", min_size=20, max_size=20)
standings = st.builds(
    Standing,
    customer_id=st.just(1),
    active=st.booleans(),
    assessed_at=st.none(),
    level=st.none() | st.integers(1, 5),
    expires_on=st.none() | st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)),
)


def answered(given: str) -> list[ChosenAnswer]:
    return [ChosenAnswer(number, letter) for number, letter in enumerate(given, 1)]


@given(letters, st.randoms())
def test_a_score_is_within_its_bounds_whatever_the_order_of_the_answers(given: str, chance: object) -> None:
    shuffled = answered(given)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert suitability_rules.chosen(POINTS, shuffled) == given
    assert 0 <= suitability_rules.score(POINTS, given) <= 100


@given(letters, st.integers(0, 19))
def test_a_riskier_answer_never_lowers_score_or_level(given: str, place: int) -> None:
    bolder = given[:place] + "C" + given[place + 1 :]
    before, after = suitability_rules.score(POINTS, given), suitability_rules.score(POINTS, bolder)
    assert after >= before
    assert suitability_rules.level(after) >= suitability_rules.level(before)


def test_the_ends_of_the_scale() -> None:
    assert (suitability_rules.score(POINTS, "A" * 20), suitability_rules.score(POINTS, "C" * 20)) == (0, 100)
    assert [suitability_rules.level(one) for one in (0, 20, 21, 40, 41, 60, 61, 80, 81, 100)] == [
        1,
        1,
        2,
        2,
        3,
        3,
        4,
        4,
        5,
        5,
    ]
    assert all(suitability_rules.level(one) <= suitability_rules.level(other) for one, other in pairwise(range(101)))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (answered("A" * 19), "answers.20"),
        ([*answered("A" * 20), ChosenAnswer(3, "B")], "answers.3"),
        ([*answered("A" * 20), ChosenAnswer(21, "A")], "answers.21"),
        (answered("A" * 4 + "H" + "A" * 15), "answers.5"),
    ],
)
def test_what_is_not_answered_once_with_an_answer_that_there_is_is_named(given: list[ChosenAnswer], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        suitability_rules.chosen(POINTS, given)
    assert [one.field for one in refused.value.errors] == [field]


@given(standings, st.integers(1, 5), st.booleans())
def test_nothing_suits_unless_everything_does(who: Standing, product_level: int, on: bool) -> None:
    suits = suitability_rules.judged(who, product_level, on=on, today=TODAY) == "suitable"
    good = who.level is not None and who.expires_on is not None and who.expires_on > TODAY
    assert suits == (on and who.active and good and (who.level or 0) >= product_level)


@given(standings)
def test_what_is_bearable_is_the_highest_level_that_suits(who: Standing) -> None:
    most = suitability_rules.bearable(who, TODAY)
    suits = [level for level in range(1, 6) if suitability_rules.judged(who, level, on=True, today=TODAY) == "suitable"]
    assert suits == list(range(1, most + 1))


def standing(level: int | None, days: int | None, *, active: bool = True) -> Standing:
    """What somebody can bear, and for how many days from now."""
    expires_on = None if days is None else TODAY + datetime.timedelta(days)
    return Standing(customer_id=1, active=active, assessed_at=None, level=level, expires_on=expires_on)


@pytest.mark.parametrize(
    ("who", "level", "reason"),
    [
        (standing(3, 1), 3, "suitable"),
        (standing(3, 0), 3, "questionnaire_expired"),
        (standing(3, 1), 4, "risk_too_high"),
        (standing(None, None), 1, "no_questionnaire"),
        (standing(5, 1, active=False), 1, "customer_not_active"),
    ],
)
def test_the_reason_is_the_first_thing_in_the_way(who: Standing, level: int, reason: str) -> None:
    assert suitability_rules.judged(who, level, on=True, today=TODAY) == reason
    assert suitability_rules.judged(who, level, on=False, today=TODAY) == "product_withdrawn"
