"""The questionnaire that investors answer in the terminal, and what it found."""

import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from msgspec import Struct

from centers.product import suitability_rules
from kernel.calendar import days
from kernel.errors import QuestionnaireChanged, QuotaUsedUp
from kernel.events.outbox import Record, emit
from kernel.security.scope import Scope
from kernel.store.cursor import Cursor, Moment, Words, check_utc
from kernel.store.database import Tx
from kernel.store.sql import load
from mobile_contracts.event import QuestionnaireAnswered
from mobile_contracts.product.product import AnsweredQuestionnaire, Assessment, Choice, Question, Questionnaire

_sql = load(Path(__file__).with_name("questionnaire.sql"), Assessment)


class AssessmentCursor(Cursor, frozen=True):
    """Before this time and source."""

    at: Moment | None = None
    source: Words = ""

    def __post_init__(self) -> None:
        if self.at is not None:
            check_utc(self.at)


class _Answered(Struct, frozen=True):
    letters: str
    score: int
    level: int


async def current(tx: Tx, language: str) -> Questionnaire:
    """The questionnaire that is asked now, in `zh` or `en`."""
    version, valid_days = await _sql.current(tx)
    rows: list[Any] = await _sql.choices(tx, version=version, language=language)
    questions = [
        Question(number, text, [Choice(row["letter"], row["text"]) for row in choices])
        for (number, text), choices in groupby(rows, lambda row: (row["number"], row["question"]))
    ]
    return Questionnaire(version, valid_days, questions)


async def answer(tx: Tx, scope: Scope, given: AnsweredQuestionnaire) -> Assessment:
    """Keeps what the answers found; it counts from now on.

    Raises `QuestionnaireChanged`, `InvalidInput` naming the questions, or `QuotaUsedUp` after three in a day.
    """
    version, valid_days = await _sql.current(tx)
    if given.version != version:
        raise QuestionnaireChanged(f"version {version}", f"版本 {version}")
    answered = await _check_answers(tx, version, given)
    await _check_limit(tx, scope)
    return await _do_answer(tx, scope, answered, version, valid_days)


async def list_own(tx: Tx, scope: Scope, before: AssessmentCursor, size: int) -> list[Assessment]:
    """The investor's assessments, the newest first, delivered ones included."""
    found: list[Assessment] = await _sql.list_own(
        tx, customer=scope.reach.customer, before=before.at, source=before.source, size=size
    )
    return found


async def _check_answers(tx: Tx, version: int, given: AnsweredQuestionnaire) -> _Answered:
    points: dict[int, dict[str, int]] = {}
    for row in await _sql.choices(tx, version=version, language="en"):
        points.setdefault(row["number"], {})[row["letter"]] = row["points"]
    letters = suitability_rules.chosen(points, given.answers)
    score = suitability_rules.score(points, letters)
    return _Answered(letters, score, suitability_rules.level(score))


async def _check_limit(tx: Tx, scope: Scope) -> None:
    await _sql.lock(tx, customer=scope.reach.customer)
    if await _sql.answered_today(tx, customer=scope.reach.customer) >= suitability_rules.ASSESSMENTS_A_DAY:
        # raised by: themselves
        raise QuotaUsedUp(
            f"the questionnaire may be answered {suitability_rules.ASSESSMENTS_A_DAY} times a day",
            f"问卷每日最多作答 {suitability_rules.ASSESSMENTS_A_DAY} 次",
            wait=_until_midnight(datetime.datetime.now(days.BEIJING)),
        )


def _until_midnight(now: datetime.datetime) -> float:
    midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), now.tzinfo)
    return (midnight - now).total_seconds()


async def _do_answer(tx: Tx, scope: Scope, answered: _Answered, version: int, valid_days: int) -> Assessment:
    found: Assessment = await _sql.add(
        tx, customer=scope.reach.customer, score=answered.score, risk_level=answered.level, valid_days=valid_days,
        version=version, answers=answered.letters,
    )  # fmt: skip
    customer_no = scope.principal.subject
    record = Record(action="questionnaire.answer", noun="assessment", noun_id=customer_no, after=found)
    await emit(tx, QuestionnaireAnswered(customer_no=customer_no), record)
    return found
