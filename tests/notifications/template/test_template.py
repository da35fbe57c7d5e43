"""A version is made by one person and approved by another, and never changes afterwards."""

import pytest

from kernel.errors import InvalidInput, NotAllowed, NotFound
from kernel.store.database import Tx
from mobile_contracts.messaging.outbound import Purpose
from mobile_contracts.messaging.template import ByLanguage, TemplateNew, Texts, Variable
from notifications.template import template


def new(words: str, purpose: Purpose = "service") -> TemplateNew:
    """A version that says this."""
    return TemplateNew(
        "问候", purpose, "", 3, [Variable("day", "date")], ByLanguage(Texts(sms=words), Texts(sms=words))
    )


async def made(tx: Tx, wanted: TemplateNew, by: str = "staff:1") -> int:
    """Makes a version as a route does, and gives its number."""
    await template.check_new_version(tx, "greeting", wanted)
    return (await template.do_add_version(tx, "greeting", wanted, by)).number


async def test_only_what_a_second_person_approved_counts(tx: Tx) -> None:
    assert await made(tx, new("{name} {day}")) == 1
    assert (await template.find(tx, "greeting")).approved is None
    with pytest.raises(NotAllowed, match="somebody else"):
        await template.approve(tx, "greeting", 1, "staff:1")
    approved = await template.approve(tx, "greeting", 1, "staff:2")
    assert (approved.approved_by, await template.approve(tx, "greeting", 1, "staff:3")) == ("staff:2", approved)
    assert await made(tx, new("{day}")) == 2
    line = await template.find(tx, "greeting")
    assert (line.newest, line.approved) == (2, 1)
    assert (await template.find_version(tx, "greeting", 1)).texts.zh.sms == "{name} {day}"
    done = [row[0] for row in await tx.fetch("select action from audit where noun = 'template' order by id")]
    assert done == ["template.make", "template.approve", "template.make"]


async def test_a_template_keeps_its_purpose_and_must_be_renderable(tx: Tx) -> None:
    await made(tx, new("x"))
    for wanted in (new("x", "marketing"), new("{unknown}")):
        with pytest.raises(InvalidInput):
            await template.check_new_version(tx, "greeting", wanted)


async def test_what_is_not_there_is_not_found(tx: Tx) -> None:
    for asked in (template.find(tx, "nothing"), template.find_version(tx, "care", 9)):
        with pytest.raises(NotFound):
            await asked


async def test_the_house_has_words_from_the_first_day(tx: Tx) -> None:
    lines = {line.code: line for line in await template.list_all(tx)}
    assert {"care", "announcement", "promotion", "birthday", "questionnaire_expires"} <= lines.keys()
    assert all(line.approved == 1 for line in lines.values())
