"""A broadcast is written down once, its audience fixed, and its total is the sum over states at every moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from kernel.calendar.days import BEIJING
from kernel.errors import InvalidInput, NotFound, WrongState
from kernel.security.scope import Reach
from kernel.store.database import Tx
from mobile_contracts.messaging.template import ByLanguage, Channel, EmailText, TemplateNew, Texts
from notifications.broadcast import broadcast, expansion, rate
from notifications.broadcast.broadcast import BroadcastCursor, MessageCursor
from notifications.template import template as wording
from tests.notifications.house import House


async def test_the_sum_over_states_is_the_total_before_and_after_expansion(tx: Tx, house: House) -> None:
    ids = [await house.customer() for _ in range(7)]
    started = await house.started(customers=[*ids, ids[0]])
    for done in (0, 3, 6, 7):
        progress = await broadcast.progress(tx, started, house.settings)
        assert sum(msgspec.structs.asdict(progress.counts).values()) == progress.total == 7
        assert progress.counts.queued == 7
        assert len(await broadcast.list_messages(tx, started, None, MessageCursor(), 100)) == done
        await expansion.expand(tx, started, 3)
    await tx.execute("update outgoing set state = 'delivered' where customer_id <> $1", ids[0])
    progress = await broadcast.progress(tx, started, house.settings)
    assert (progress.done, progress.counts.queued, progress.counts.delivered) == (6, 1, 6)
    assert progress.rate > 0
    assert progress.seconds_left is not None


async def test_the_time_left_is_that_of_the_gateways_rate_when_the_first_went_ahead_of_it(tx: Tx, house: House) -> None:
    settings = msgspec.structs.replace(house.settings, sms_rate=1)
    started = await house.queued(customers=[await house.customer() for _ in range(40)])
    await tx.execute(
        "update outgoing set state = 'sent' where id = any (array (select id from outgoing order by id limit 30))"
    )
    await rate.spend(tx, rate.lane(settings, "sms", "service"), 30)
    progress = await broadcast.progress(tx, started, settings)
    assert progress.rate > 10, "they left in a moment"
    assert progress.seconds_left is not None
    assert 9 < progress.seconds_left <= 10
    letters = await house.queued(customers=[await house.customer()], channels=("in_app",), once="in the app")
    await tx.execute("update outgoing set state = 'delivered' where broadcast_id = $1", letters)
    assert (await broadcast.progress(tx, letters, settings)).seconds_left == 0.0


async def test_one_that_is_wanted_once_is_started_once(tx: Tx, house: House) -> None:
    anna = await house.customer()
    first = await house.started(customers=[anna], once="view 7")
    assert await house.started(customers=[anna], once="view 7") == first
    assert await house.started(customers=[anna]) != await house.started(customers=[anna])
    assert await tx.fetchval("select count(*) from outbox where kind = 'BroadcastStarted'") == 3
    assert await tx.fetchval("select count(*) from audit where action = 'broadcast.start'") == 3


async def test_all_of_a_branch_but_those_who_are_closed(tx: Tx, house: House) -> None:
    await tx.execute(
        "insert into unit (kind, code, name, parent_id)"
        " select 'branch', 'b2', 'b2', id from unit where kind = 'company'"
    )
    for branch, status in (("b1", "normal"), ("b1", "closed"), ("b2", "normal")):
        await house.customer(branch=branch, status=status)
    (branch_id,) = await broadcast.branch_ids(tx, ["b1"], Reach(kind="company"))
    started = await house.started(customers=[], branch_ids=[branch_id])
    assert (await broadcast.find(tx, started)).total == 1
    with pytest.raises(InvalidInput) as error:
        await broadcast.branch_ids(tx, ["b1", "b9"], Reach(kind="company"))
    assert error.value.errors[0].message == "there is no branch b9"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"values": {}}, "values.words"),
        ({"values": {"words": "x", "more": "y"}}, "values.more"),
        ({"values": {"words": "a\r\nBcc: b"}}, "values.words"),
        ({"channels": ()}, "channels"),
        ({"channels": ("sms", "sms")}, "channels"),
        ({"template": "birthday", "values": {"words": "x"}}, "values.words"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
        ({"expires_at": datetime.now(UTC) + timedelta(days=400)}, "expires_at"),
    ],
)
async def test_what_could_not_be_sent_is_refused_at_the_start(house: House, given: dict[str, Any], field: str) -> None:
    anna = await house.customer()
    with pytest.raises(InvalidInput) as error:
        await house.started(customers=[anna], **given)
    assert field in [one.field for one in error.value.errors]


async def test_nothing_is_sent_that_nobody_approved(tx: Tx, house: House) -> None:
    anna, texts = await house.customer(), Texts(sms="{name}")
    new = TemplateNew("x", "service", "", 3, [], ByLanguage(texts, texts))
    await wording.do_add_version(tx, "fresh", new, "staff:1")
    with pytest.raises(InvalidInput) as error:
        await house.started(template="fresh", customers=[anna], values={})
    assert [one.field for one in error.value.errors] == ["template"]
    with pytest.raises(NotFound):
        await broadcast.find(tx, uuid4())


async def test_a_broadcast_is_paused_resumed_and_cancelled(tx: Tx, house: House) -> None:
    started = await house.started(customers=[await house.customer()])
    for verb, state in (("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert (await broadcast.change(tx, started, verb)).state == state  # type: ignore[arg-type]
    for verb in ("pause", "resume"):
        with pytest.raises(WrongState):
            await broadcast.change(tx, started, verb)  # type: ignore[arg-type]
    done = [row[0] for row in await tx.fetch("select action from audit where noun = 'broadcast' order by id")]
    assert done == ["broadcast.start", "broadcast.pause", "broadcast.resume", "broadcast.cancel"]
    with pytest.raises(NotFound):
        await broadcast.change(tx, uuid4(), "pause")


async def test_lists_go_page_by_page(tx: Tx, house: House) -> None:
    ids = [await house.customer() for _ in range(3)]
    made = [await house.queued(customers=ids) for _ in range(3)]
    first = await broadcast.list_some(tx, BroadcastCursor(), 2)
    rest = await broadcast.list_some(tx, BroadcastCursor(first[-1].id), 2)
    assert [one.id for one in first + rest] == made[::-1]
    one, two = await broadcast.list_messages(tx, made[0], "queued", MessageCursor(), 2)
    (three,) = await broadcast.list_messages(tx, made[0], "queued", MessageCursor(two.id), 2)
    assert len({one.id, two.id, three.id}) == 3
    assert await broadcast.list_messages(tx, made[0], "sent", MessageCursor(), 2) == []
    with pytest.raises(NotFound):
        await broadcast.list_messages(tx, UUID(int=0), None, MessageCursor(), 2)
    nos = [message.customer_no for message in (one, two, three)]
    assert sorted(await broadcast.customer_ids(tx, nos)) == sorted(ids)
    with pytest.raises(NotFound):
        await broadcast.customer_ids(tx, [*nos, "nobody"])


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("announcement", {"title": "系统升级通知\n", "words": "x"}),
        ("announcement", {"title": "a\u2028b", "words": "x"}),
        ("announcement", {"title": "\x85", "words": "x"}), ("announcement", {"title": " \u200b", "words": "x"}),
        ("announcement", {"title": "x", "words": "\u3164"}),
        ("announcement", {"title": "长" * 480, "words": "长" * 480}),
        ("care", {"words": "长" * 470}), ("fitting", {"a": "长" * 500, "b": "长" * 497}),
    ],
)  # fmt: skip
async def test_what_leaves_is_judged_at_the_start_with_its_values_and_the_longest_name(
    tx: Tx, house: House, template: str, values: dict[str, str]
) -> None:
    await house.approved("fitting", Texts(email=EmailText("{a}{b}..", "{a}", "{b}")), ("a", "b"))
    channels: tuple[Channel, ...] = ("email",) if template == "fitting" else ("sms",)
    with pytest.raises(InvalidInput) as refused:
        await house.started(template=template, values=values, channels=channels, customers=[await house.customer()])
    assert [one.field.partition(".")[0] for one in refused.value.errors] == ["values"]


@pytest.mark.parametrize("title", ["=?utf-8?b?5rWL6K+V?=", "a =?x", "=??=", "100%?="])
async def test_a_title_may_be_anything_that_can_be_typed_on_one_line(house: House, title: str) -> None:
    await house.started(
        template="announcement", values={"title": title, "words": "x"}, channels=("email",),
        customers=[await house.customer()],
    )  # fmt: skip


async def test_subjects_of_998_characters_leave_and_longer_ones_do_not(tx: Tx, house: House) -> None:
    await house.approved("fitting", Texts(email=EmailText("{a}{b}", "{a}", "{b}")), ("a", "b"))
    anna = await house.customer()
    values = {"a": "长" * 500, "b": "长" * 498}
    await house.started(template="fitting", values=values, channels=("email",), customers=[anna])
    with pytest.raises(InvalidInput):
        await house.started(
            template="fitting", values=values | {"b": "长" * 499}, channels=("email",), customers=[anna]
        )


async def test_those_of_branches_that_were_merged_into_one_belong_to_it(tx: Tx, house: House) -> None:
    merged = await tx.fetchval(
        "insert into unit (kind, code, name, parent_id) select 'branch', 'old', 'old', id from unit where code = 'b1'"
        " returning id"
    )
    await house.customer(branch="b1")
    await house.customer(branch="old")
    ids = await broadcast.branch_ids(tx, ["b1"], Reach(kind="company"))
    assert merged in ids
    started = await house.started(customers=[], branch_ids=ids)
    assert (await broadcast.find(tx, started)).total == 2


async def test_a_branch_out_of_reach_is_as_one_that_is_not_there(tx: Tx, house: House) -> None:
    b1 = await tx.fetchval("select id from unit where code = 'b1'")
    reach = Reach(kind="branch", branches=(b1,))
    assert await broadcast.branch_ids(tx, ["b1"], reach) == [b1]
    await tx.execute("insert into unit (kind, code, name, parent_id)"
                     " select 'branch', 'b2', 'b2', id from unit where kind = 'company'")  # fmt: skip
    for codes in (["b2"], ["b9"], ["b1", "b2"]):
        with pytest.raises(NotFound):
            await broadcast.branch_ids(tx, codes, reach)


async def test_while_it_waits_nobody_tells_how_long_the_rest_takes(tx: Tx, house: House) -> None:
    local = datetime.now(BEIJING)
    asleep = "00:00-00:01" if local.hour or local.minute > 1 else "12:00-12:01"
    settings = msgspec.structs.replace(house.settings, service_hours=asleep)
    started = await house.queued(customers=[await house.customer(), await house.customer()])
    await tx.execute(
        "update outgoing set state = 'skipped', reason = 'no_mobile'"
        " where id = (select min(id::text)::uuid from outgoing where broadcast_id = $1)",
        started,
    )
    progress = await broadcast.progress(tx, started, settings)
    assert (progress.done, progress.waiting_for, progress.seconds_left) == (1, "hours", None)
    awake = msgspec.structs.replace(house.settings, service_hours="00:00-24:00")
    assert (await broadcast.progress(tx, started, awake)).seconds_left is not None
    await tx.execute("update broadcast set not_before = now() + interval '1 hour' where id = $1", started)
    assert (await broadcast.progress(tx, started, awake)).rate == 0.0, "what is due later has no speed"


async def test_progress_says_what_is_waited_for_and_until_when(tx: Tx, house: House) -> None:
    local = datetime.now(BEIJING)
    asleep = "00:00-00:01" if local.hour or local.minute > 1 else "12:00-12:01"
    settings = msgspec.structs.replace(house.settings, service_hours=asleep)
    started = await house.queued(customers=[await house.customer()])
    progress = await broadcast.progress(tx, started, settings)
    assert progress.waiting_for == "hours"
    assert progress.next_at is not None
    assert f"{progress.next_at.astimezone(BEIJING):%H:%M}" == asleep[:5]
    assert datetime.now(UTC) < progress.next_at < datetime.now(UTC) + timedelta(days=1, minutes=1)
    awake = msgspec.structs.replace(house.settings, service_hours="00:00-24:00")
    progress = await broadcast.progress(tx, started, awake)
    assert (progress.waiting_for, progress.next_at) == (None, None)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    later = await house.started(customers=[await house.customer()], not_before=tomorrow)
    progress = await broadcast.progress(tx, later, awake)
    assert (progress.waiting_for, progress.next_at) == ("start", tomorrow)
    await tx.execute("update broadcast set expires_at = now() + interval '30 seconds' where id = $1", started)
    progress = await broadcast.progress(tx, started, settings)
    assert (progress.waiting_for, progress.next_at) == ("hours", None), "it will have expired"
    await broadcast.change(tx, started, "pause")
    assert (await broadcast.progress(tx, started, settings)).waiting_for is None
