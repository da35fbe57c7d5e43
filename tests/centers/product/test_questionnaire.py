"""Two answers of one person at the same time wait for one another: the limit holds."""

import asyncio

from centers.product import questionnaire
from kernel.errors import QuotaUsedUp
from mobile_contracts.product.product import AnsweredQuestionnaire, ChosenAnswer
from tests.brokerage import Brokerage
from tests.centers.product.conftest import As


async def test_the_limit_holds_for_many_at_once(shop: Brokerage, as_investor: As) -> None:
    async def once() -> bool:
        try:
            async with as_investor() as (tx, who):
                asked = await questionnaire.current(tx, "en")
                chosen = [ChosenAnswer(one.number, one.choices[0].letter) for one in asked.questions]
                await questionnaire.answer(tx, who, AnsweredQuestionnaire(asked.version, chosen))
        except QuotaUsedUp:
            return False
        return True

    assert sorted(await asyncio.gather(*(once() for _ in range(6)))) == [False] * 3 + [True] * 3
