"""An SMS is signed, and says how to opt out where it is marketing."""

import pytest

from kernel.store.database import Tx
from notifications.broadcast import dispatch
from notifications.template.words import Words
from tests.notifications.house import House


@pytest.mark.parametrize(
    ("template", "zh", "en"),
    [
        ("promotion", "【Hexad】活动:欢迎参加。拒收请回复T", "[Hexad] 活动: 欢迎参加. Reply T to opt out"),
        ("announcement", "【Hexad】通知:本周六系统维护", "[Hexad] 通知: 本周六系统维护"),
    ],
)
async def test_the_words_of_a_purpose(tx: Tx, house: House, template: str, zh: str, en: str) -> None:
    sent = await house.queued(template=template, customers=[await house.customer()])
    one, words = next(one for one in await dispatch.list_open(tx) if one.id == sent), Words(house.settings)
    texts = await words.of(tx, one, "sms")
    assert {language: rendered.of("x")[0] for language, rendered in texts.items()} == {"zh": zh, "en": en}
    assert await words.of(tx, one, "sms") is texts, "prepared once"
    assert await words.link(tx, one) is None
