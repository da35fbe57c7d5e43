"""What people who speak with each other notice, on two nodes."""

from uuid import uuid4

from tests.realtime.chat import House, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]


async def test_an_investor_and_their_broker_speak(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        first = await investor.say(conversation, "您好")
        assert first["seq"] == 1
        got = await broker.get("message")
        assert (got["seq"], got["body"], got["sender"]["kind"]) == (1, "您好", "investor")
        assert "client_id" not in got
        assert (await broker.say(conversation, "请讲"))["seq"] == 2
        assert (await investor.get("message"))["sender"]["kind"] == "staff"
        assert "message" not in await broker.quiet() or broker.seqs(conversation) == [1, 2]


async def test_two_nodes_serve_one_conversation(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        for n in range(1, 6):
            assert (await investor.say(conversation, f"{n}"))["seq"] == 2 * n - 1
            assert (await broker.get("message", 3))["body"] == f"{n}"
            assert (await broker.say(conversation, f"re {n}"))["seq"] == 2 * n
            assert (await investor.get("message", 3))["body"] == f"re {n}"
        assert investor.seqs(conversation) == broker.seqs(conversation) == list(range(1, 11))


async def test_what_is_sent_again_is_the_same_message(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        client_id = str(uuid4())
        first = await investor.say(conversation, "一次", client_id)
        again = await investor.say(conversation, "一次", client_id)
        assert again == first
        other = await investor.say(conversation, "两次", client_id)
        assert other["code"] == "duplicate_other_body"
        assert (await broker.say(conversation, "两次", client_id))["seq"] == 2, "another sender's is another message"
        await broker.quiet()
        assert broker.seqs(conversation) == [1, 2]
