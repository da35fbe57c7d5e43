"""The rules of suitability (适当性): what answers are worth, and which product suits whom. Pure."""

import datetime
from collections.abc import Mapping, Sequence

from msgspec import Struct

from kernel.errors import FieldError, InvalidInput
from mobile_contracts.product.product import ChosenAnswer, SuitabilityReason

Points = Mapping[int, Mapping[str, int]]
"""What each answer to each question is worth."""

LEVEL_TOPS = (20, 40, 60, 80, 100)
"""The highest score of C1 to C5."""

ASSESSMENTS_A_DAY = 3
"""How often one person may answer the questionnaire in a day: answers are no lottery."""


class Standing(Struct, frozen=True):
    """What a customer can bear, by the newest questionnaire; without one the level is null."""

    customer_id: int
    active: bool
    assessed_at: datetime.datetime | None
    level: int | None
    expires_on: datetime.date | None


def chosen(points: Points, answers: Sequence[ChosenAnswer]) -> str:
    """The letters in the order of the questions; raises `InvalidInput` naming those that are not answered once."""
    given: dict[int, list[str]] = {}
    for answer in answers:
        given.setdefault(answer.number, []).append(answer.letter)
    faults = [_fault(number, points.get(number), given.get(number, [])) for number in sorted({*points, *given})]
    wrong = [fault for fault in faults if fault]
    if wrong:
        raise InvalidInput(errors=wrong)
    return "".join(given[number][0] for number in sorted(points))


def _fault(number: int, choices: Mapping[str, int] | None, letters: Sequence[str]) -> FieldError | None:
    field = f"answers.{number}"
    if choices is None:
        return FieldError(field, "there is no such question", "没有此题")
    if not letters:
        return FieldError(field, "is not answered", "未作答")
    if len(letters) > 1:
        return FieldError(field, "is answered more than once", "重复作答")
    if letters[0] not in choices:
        return FieldError(field, "has no such answer", "没有此选项")
    return None


def score(points: Points, letters: str) -> int:
    """0 to 100: the share of the points that could be had."""
    had = sum(points[number][letter] for number, letter in zip(sorted(points), letters, strict=True))
    most = sum(max(choices.values()) for choices in points.values())
    return round(100 * had / most) if most else 0


def level(of_score: int) -> int:
    """C1 to C5 of a score."""
    return next(number for number, top in enumerate(LEVEL_TOPS, 1) if of_score <= top)


def judged(standing: Standing, product_level: int, *, on: bool, today: datetime.date) -> SuitabilityReason:
    """Whether the product suits: `suitable`, or the first thing that is in the way."""
    if not on:
        return "product_withdrawn"
    if not standing.active:
        return "customer_not_active"
    if standing.level is None or standing.expires_on is None:
        return "no_questionnaire"
    if standing.expires_on <= today:
        return "questionnaire_expired"
    return "suitable" if standing.level >= product_level else "risk_too_high"


def bearable(standing: Standing, today: datetime.date) -> int:
    """The highest product level that suits, 0 when none does."""
    levels = range(5, 0, -1)
    return next((one for one in levels if judged(standing, one, on=True, today=today) == "suitable"), 0)
