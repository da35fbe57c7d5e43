"""What the bus lost is found by looking, and what it says is heard."""

import asyncio
from uuid import UUID, uuid4

from kernel.bus.choice import open_bus
from mobile_contracts.event import MessagesStored, StatusChanged
from tests.realtime.chat import House, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]

_SAY = (
    "insert into message (conversation_id, seq, id, sender_kind, sender_id, client_id, kind, body)"
    " select c.id, c.last_seq + 1, gen_random_uuid(), 'investor', c.customer_id, gen_random_uuid(), 'text', $2"
    " from conversation c where c.id = $1::text::uuid"
)
_ADVANCE = "update conversation set last_seq = last_seq + 1 where id = $1::text::uuid"


async def test_a_message_of_which_nobody_said_a_word_is_found(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        await house.brokerage.execute(_SAY, conversation, "没人说起")
        await house.brokerage.execute(_ADVANCE, conversation)
        for talker in (investor, broker):
            assert (await talker.get("message", 5))["body"] == "没人说起"
        assert (await investor.say(conversation, "下一句"))["seq"] == 2
        assert (await broker.get("message"))["seq"] == 2


async def test_a_word_about_a_message_has_it_read_at_once(house: House) -> None:
    async with house.pair() as (_, broker, conversation), open_bus(house.nodes[0].settings) as bus:
        await house.brokerage.execute(_SAY, conversation, "快")
        await bus.tell([MessagesStored({UUID(conversation): 1, uuid4(): 7})])
        assert (await broker.get("message", 5))["body"] == "快"


async def test_an_employee_who_leaves_is_offline_for_those_they_serve(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, _):
        number = str(broker.frames[0]["principal"]).split(":")[1]
        await broker.client.socket.close()
        async with asyncio.timeout(60):
            while (told := await investor.get("presence"))["status"] != "offline":
                pass
        assert told["id"] == number


async def test_another_nodes_word_about_somebody_is_passed_on(house: House) -> None:
    async with house.pair() as (investor, broker, _), open_bus(house.nodes[0].settings) as bus:
        number = str(broker.frames[0]["principal"]).split(":")[1]
        await bus.tell([StatusChanged(uuid4(), number, "away")])
        async with asyncio.timeout(60):
            while (await investor.get("presence"))["status"] != "away":
                pass
