"""A notice reaches one person, once, and whoever is there hears of it at once."""

from datetime import UTC
from uuid import uuid4

import msgspec
import pytest

from kernel.errors import NotFound
from kernel.security import scope
from kernel.security.scope import Audience, Principal, Scope, apply_system
from kernel.store.database import Tx
from mobile_contracts.event import NoticeGiven
from notifications.broadcast import dispatch, in_app
from notifications.inbox import notice
from notifications.inbox.notice import NoticeCursor
from notifications.template.words import Words
from tests.notifications.house import House


async def somebody(tx: Tx, subject: str, audience: Audience = "staff") -> Principal:
    """A principal in whose scope the transaction goes on."""
    principal = Principal(audience=audience, subject=subject, session_id=uuid4(), device_id="d")
    await scope.apply(tx, Scope(principal=principal))
    return principal


async def test_a_notice_is_given_and_told_at_once(tx: Tx) -> None:
    await apply_system(tx, "test")
    given = await notice.give(tx, "staff", "1001", "contract", "新签约", "客户已签约", "/contracts/1", english=None)
    payload = await tx.fetchval("select payload::text from outbox where kind = 'NoticeGiven'")
    told = msgspec.json.decode(payload, type=NoticeGiven)
    assert (told.notice_id, told.audience, told.subject, NoticeGiven.urgent) == (given, "staff", "1001", True)
    anna = await somebody(tx, "1001")
    (one,) = await notice.list_own(tx, anna, NoticeCursor(), 10, "zh")
    assert (one.id, one.title, one.link, one.read_at) == (given, "新签约", "/contracts/1", None)
    assert await notice.count_unread(tx, anna) == 1


async def test_what_is_said_once_is_said_once_to_each(tx: Tx) -> None:
    await apply_system(tx, "test")
    assert await notice.give(tx, "staff", "1001", "k", "t", "b", once="occasion", english=None)
    assert await notice.give(tx, "staff", "1001", "k", "other", "b", once="occasion", english=None) is None
    assert await notice.give(tx, "staff", "1002", "k", "t", "b", once="occasion", english=None)
    assert await notice.give(tx, "staff", "1001", "k", "t", "b", english=None)
    assert await notice.give(tx, "staff", "1001", "k", "t", "b", english=None), (
        "without a word for the occasion each is one more"
    )
    assert await tx.fetchval("select count(*) from outbox where kind = 'NoticeGiven'") == 4


async def test_nobody_sees_what_another_was_told(tx: Tx) -> None:
    await apply_system(tx, "test")
    given = await notice.give(tx, "staff", "1001", "k", "t", "b", english=None)
    assert given is not None
    for who in (await somebody(tx, "1002"), await somebody(tx, "1001", "investor")):
        await scope.apply(tx, Scope(principal=who))
        assert await notice.list_own(tx, who, NoticeCursor(), 10, "zh") == []
        assert await tx.fetchval("select count(*) from notice") == 0, "the policy hides it from a forgetful query"
        with pytest.raises(NotFound):
            await notice.mark_read(tx, who, given, "zh")
    await apply_system(tx, "realtime", kind="company")
    assert (await notice.find(tx, given, "zh")).title == "t"


async def test_a_notice_is_read_once_and_stays_read(tx: Tx) -> None:
    await apply_system(tx, "test")
    ids = [await notice.give(tx, "staff", "1001", "k", f"t{number}", "b", english=None) for number in range(3)]
    anna = await somebody(tx, "1001")
    first, second, _ = [one for one in ids if one]
    read = await notice.mark_read(tx, anna, first, "zh")
    assert read.read_at is not None
    assert (await notice.mark_read(tx, anna, first, "zh")).read_at == read.read_at
    await notice.mark_read_up_to(tx, anna, second)
    await notice.mark_read_up_to(tx, anna, second)
    assert await notice.count_unread(tx, anna) == 1
    assert [one.title for one in await notice.list_own(tx, anna, NoticeCursor(), 10, "zh", unread=True)] == ["t2"]
    assert await tx.fetchval("select count(*) from audit where action = 'notice.read'") == 2
    with pytest.raises(NotFound):
        await notice.mark_read(tx, anna, uuid4(), "zh")


async def test_a_notice_that_waited_stands_above_what_was_given_meanwhile_and_is_not_ticked_off_with_it(
    tx: Tx, house: House
) -> None:
    sent = await house.queued(customers=[await house.customer(no="A1")], channels=("in_app",))
    given = await notice.give(tx, "investor", "A1", "k", "meanwhile", "b", english=None)
    one = next(one for one in await dispatch.list_open(tx) if one.id == sent)
    assert await in_app.give(tx, Words(house.settings), one, 10) == 1
    anna = await somebody(tx, "A1", "investor")
    newest, older = await notice.list_own(tx, anna, NoticeCursor(), 10, "zh")
    assert older.id == given
    assert given is not None
    assert newest.id < given, "it was made before, and given after"
    assert await notice.list_own(tx, anna, NoticeCursor(newest.id, newest.at.astimezone(UTC)), 10, "zh") == [older]
    assert await notice.list_own(tx, anna, NoticeCursor(newest.id), 10, "zh") == [older], "as older versions gave it"
    await notice.mark_read_up_to(tx, anna, given)
    (unread,) = await notice.list_own(tx, anna, NoticeCursor(), 10, "zh", unread=True)
    assert unread.id == newest.id
    with pytest.raises(NotFound):
        await notice.mark_read_up_to(tx, anna, uuid4())
