"""A conversation goes to whoever may have it, within seconds, whether or not anybody of it is here."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from centers.service import holding
from kernel.store.database import Tx
from realtime import rerouting
from realtime.rerouting import Rerouting
from tests.realtime.chat import House, Talker, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]
SECONDS = 30


def number(talker: Talker) -> str:
    return str(talker.frames[0]["principal"]).split(":")[1]


async def test_when_the_relation_ends_the_service_owner_goes_on(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        await investor.say(conversation, "以前")
        await broker.get("message")
        mine = await broker.say(conversation, "我说过")
        other = await house.broker()
        async with house.device(f"staff:{other}") as owner:
            await house.hand_over(number(investor), other)
            assert (await broker.get("closed", SECONDS))["conversation_id"] == conversation
            assert (await investor.get("assigned", SECONDS))["employee"]["id"] == other
            assert (await owner.get("assigned", SECONDS))["conversation_id"] == conversation
            assert [(await owner.get("message"))["body"] for _ in range(2)] == ["以前", "我说过"]
            await investor.say(conversation, "以后")
            assert (await owner.get("message"))["body"] == "以后"
            assert await broker.error(type="history", conversation_id=conversation, limit=100) == "not_found"
            assert (await broker.say(conversation, "还是我"))["code"] == "not_found"
            assert await broker.say(conversation, "我说过", mine["client_id"]) == mine, "its answer may have been lost"
            await broker.quiet()
            assert broker.seqs(conversation) == [1, 2, 2]
        async with house.device(f"staff:{number(broker)}", resume={conversation: 0}) as again:
            shown = [one["conversation_id"] for one in again.frames[0]["conversations"]]
            assert conversation not in shown  # others may wait in the branch's queue
            assert again.frames[0]["resync"] == []


async def test_whoever_reaches_the_branch_reads_on_what_was_said_until_then(house: House) -> None:
    manager = await house.broker(unit="b1", role="branch_manager")
    colleague = await house.broker()
    investor = await house.investor(manager)
    async with (
        house.device(f"investor:{investor}") as customer, house.device(f"staff:{manager}", node=1) as former,
        house.device(f"staff:{colleague}") as other,
    ):  # fmt: skip
        conversation = (await customer.open())["conversation_id"]
        await customer.say(conversation, "以前")
        await house.hand_over(investor)
        assert (await former.get("closed", SECONDS))["by"] == ""
        assert (await customer.get("changed", SECONDS))["what"] == "conversations"
        await customer.say(conversation, "以后")
        await former.send(type="history", conversation_id=conversation, limit=100)
        page = await former.get("history")
        assert ([one["body"] for one in page["messages"]], page["more"]) == (["以前"], False)
        assert await former.error(type="accept", conversation_id=conversation) == "not_found"
        await other.send(type="accept", conversation_id=conversation)
        assert (await other.get("assigned"))["employee"]["id"] == colleague


async def test_what_somebody_had_who_left_is_seen_by_colleagues_though_nobody_of_it_is_here(house: House) -> None:
    branch, team = await house.branch()
    leaver, colleague = await house.broker(unit=team), await house.broker(unit=team)
    investor = await house.investor(leaver, branch=branch)
    async with house.device(f"investor:{investor}") as customer:
        conversation = (await customer.open())["conversation_id"]
        await customer.say(conversation, "还在吗")
    async with house.device(f"staff:{colleague}", node=1) as other:
        await house.brokerage.execute("update employee set left_on = current_date where employee_no = $1", leaver)
        assert (await other.get("changed", SECONDS))["what"] == "conversations"
        await other.send(type="accept", conversation_id=conversation)
        await other.get("assigned")
        assert (await other.get("message"))["body"] == "还在吗"


async def test_all_are_looked_at_in_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerouting, "IN_TURN", 1)
    moved: list[UUID] = []
    async with house.pair() as (investor, _, conversation), house.pair() as (_, _, kept):
        pass
    await house.brokerage.execute(
        "update relation set valid_to = current_date where customer_id = $1",
        house.brokerage.customers[number(investor)],
    )
    one = Rerouting(house.brokerage.database, list, moved.append)
    one.look_at_all()
    await one.look()
    row = await house.brokerage._row("select state from conversation where id = $1::text::uuid", conversation)
    assert row["state"] == "queued", "by this round, or by that of a node"
    assert UUID(kept) not in moved


async def test_one_that_cannot_be_moved_keeps_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[UUID] = []
    async with house.pair() as (_, _, first), house.pair() as (_, _, wrong), house.pair() as (_, _, last):
        ids = [UUID(one) for one in (first, wrong, last)]

    async def all_lost(tx: Tx, asked: Sequence[UUID]) -> Sequence[UUID]:
        return asked

    async def move(tx: Tx, lost: Sequence[UUID]) -> list[UUID]:
        if ids[1] in lost:
            raise ValueError("not this one")
        return list(lost)

    monkeypatch.setattr(holding, "check_holders", all_lost)
    monkeypatch.setattr(holding, "do_route_again", move)
    one = Rerouting(house.brokerage.database, lambda: ids, moved.append)
    await one.look()
    assert {ids[0], ids[2]} <= set(moved)
    assert ids[1] not in moved
    assert f"{wrong}: ValueError: not this one" in str(one.rounds.failing.problem())
