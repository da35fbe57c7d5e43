"""What an open socket may do and sees follows roles, branches and mergers, without another `auth`."""

from tests.realtime.chat import House, Talker, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]
SECONDS = 30


async def queued(house: House, branch: str) -> tuple[str, str]:
    """An investor of a branch whose conversation waits."""
    investor = await house.investor(branch=branch)
    async with house.device(f"investor:{investor}") as customer:
        opened = await customer.open()
        assert opened["state"] == "queued"
        return investor, opened["conversation_id"]


async def hinted(talker: Talker) -> None:
    assert (await talker.get("changed", SECONDS))["what"] == "conversations"


async def test_who_moves_to_another_branch_takes_from_its_queue_and_from_the_old_no_more(house: House) -> None:
    (old, old_team), (new, new_team) = await house.branch(), await house.branch()
    mover = await house.broker(unit=old_team)
    await away(house, mover)
    (_, before), (_, after) = await queued(house, old), await queued(house, new)
    async with house.device(f"staff:{mover}") as talker:
        assert await talker.error(type="accept", conversation_id=after) == "not_found"
        await house.brokerage.execute(
            "update employee set unit_id = $2 where employee_no = $1", mover, house.brokerage.units[new_team]
        )
        await hinted(talker)
        assert await talker.error(type="accept", conversation_id=before) == "not_found"
        await talker.send(type="accept", conversation_id=after)
        assert (await talker.get("assigned"))["conversation_id"] == after


async def away(house: House, broker: str) -> None:
    """So that nobody is routed to them."""
    await house.brokerage.execute(
        "insert into staff_status (employee_id, status) values ($1, 'away')", house.brokerage.employees[broker]
    )


async def test_a_branch_that_takes_another_over_is_told_of_its_queue(house: House) -> None:
    (taken, _), (taking, team) = await house.branch(), await house.branch()
    broker = await house.broker(unit=team)
    await away(house, broker)
    _, conversation = await queued(house, taken)
    async with house.device(f"staff:{broker}", node=1) as talker:
        assert talker.frames[0]["conversations"] == []
        await house.brokerage.execute(
            "update unit set parent_id = $2 where id = $1", house.brokerage.units[taken], house.brokerage.units[taking]
        )
        await hinted(talker)
        await talker.send(type="auth", token=await house.token("staff", broker), device_id="d")
        (line,) = (await talker.get("ready"))["conversations"]
        assert (line["conversation_id"], line["state"]) == (conversation, "queued")
        await talker.send(type="accept", conversation_id=conversation)
        await talker.get("assigned")


async def test_who_loses_the_role_loses_the_chat_and_has_it_again_with_the_role(house: House) -> None:
    async with house.pair((1, 0)) as (investor, broker, conversation):
        no = str(broker.frames[0]["principal"]).split(":")[1]
        await house.brokerage.execute("delete from assignment where employee_id = $1", house.brokerage.employees[no])
        await hinted(broker)
        assert await broker.error(type="history", conversation_id=conversation, limit=1) == "not_allowed"
        assert (await broker.say(conversation, "在"))["code"] == "not_allowed"
        await investor.say(conversation, "在吗")
        assert "message" not in await broker.quiet()
        await house.brokerage.assign(no, "broker")
        await hinted(broker)
        assert (await broker.say(conversation, "在"))["seq"] == 2
        assert broker.seqs(conversation) == [1, 2]


async def test_what_roles_give_reaches_investors_too(house: House) -> None:
    async with house.pair() as (investor, _, conversation):
        await house.brokerage.execute(
            "delete from role_permission where role = 'investor' and permission = 'self.change'"
        )
        try:
            await hinted(investor)
            assert (await investor.say(conversation, "在吗"))["code"] == "not_allowed"
        finally:
            await house.brokerage.execute("insert into role_permission values ('investor', 'self.change')")
        await hinted(investor)
        assert (await investor.say(conversation, "在吗"))["seq"] == 1
