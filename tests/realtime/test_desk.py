"""What people who speak with each other notice, on two nodes."""

import asyncio
import contextlib
import json
import socket
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from kernel.security.scope import apply_system
from notifications.inbox import notice
from tests.realtime.chat import House, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]

_SPEAK = (
    "insert into message (conversation_id, seq, id, sender_kind, sender_id, client_id, kind, body)"
    " select c.id, n, gen_random_uuid(), 'staff', c.employee_id, gen_random_uuid(), 'text', repeat('好', 4000)"
    " from conversation c, generate_series(1, $2::integer) n where c.id = $1::text::uuid"
)


async def test_an_investor_and_their_broker_speak(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        first = await investor.say(conversation, "您好")
        assert first["seq"] == 1
        got = await broker.get("message")
        assert (got["seq"], got["body"], got["kind"], got["sender"]["kind"]) == (1, "您好", "text", "investor")
        assert (got["message_id"], got["at"]) == (first["message_id"], first["at"])
        assert "client_id" not in got
        assert (await broker.say(conversation, "请讲"))["seq"] == 2
        assert (await investor.get("message"))["sender"]["kind"] == "staff"
        await broker.quiet()
        assert investor.seqs(conversation) == broker.seqs(conversation) == [1, 2]


async def test_two_nodes_serve_one_conversation(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        for n in range(1, 6):
            assert (await investor.say(conversation, f"{n}"))["seq"] == 2 * n - 1
            assert (await broker.get("message", 3))["body"] == f"{n}"
            assert (await broker.say(conversation, f"re {n}"))["seq"] == 2 * n
            assert (await investor.get("message", 3))["body"] == f"re {n}"
        assert investor.seqs(conversation) == broker.seqs(conversation) == list(range(1, 11))


async def test_both_at_once_from_two_nodes_get_one_order(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):

        async def speak(who: str) -> None:
            talker = investor if who == "investor" else broker
            for n in range(25):
                assert (await talker.say(conversation, f"{who} {n}"))["type"] == "accepted"

        await asyncio.gather(speak("investor"), speak("broker"))
        async with asyncio.timeout(60):
            while len(investor.seqs(conversation)) < 50 or len(broker.seqs(conversation)) < 50:
                await asyncio.gather(investor.quiet(0.1), broker.quiet(0.1))
        assert investor.seqs(conversation) == broker.seqs(conversation) == list(range(1, 51))


async def test_what_is_sent_again_is_the_same_message(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        client_id = str(uuid4())
        first = await investor.say(conversation, "一次", client_id)
        assert await investor.say(conversation, "一次", client_id) == first
        assert (await investor.say(conversation, "两次", client_id))["code"] == "duplicate_other_body"
        assert (await broker.say(conversation, "两次", client_id))["seq"] == 2, "another sender's is another message"
        await broker.quiet()
        assert broker.seqs(conversation) == [1, 2]


async def test_other_devices_of_the_sender_get_the_message_with_its_client_id(house: House) -> None:
    async with house.pair() as (investor, broker, conversation):
        name = "investor:" + next(f["principal"] for f in investor.frames if f["type"] == "ready").split(":")[1]
        async with house.device(name, node=1) as second:
            client_id = str(uuid4())
            await investor.say(conversation, "两台手机", client_id)
            assert (await second.get("message"))["client_id"] == client_id
            await broker.get("message")


async def test_after_a_cut_exactly_what_was_missed_comes_before_anything_new(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        name = str(broker.frames[0]["principal"])
        for n in range(1, 131):
            await investor.say(conversation, f"{n}")
            if n % 60 == 0:
                await asyncio.sleep(2)
        async with house.device(name, node=0, resume={conversation: 7}) as again:
            (line,) = [one for one in again.frames[0]["conversations"] if one["conversation_id"] == conversation]
            assert (line["last_seq"], line["state"]) == (130, "assigned")
            assert again.frames[0]["resync"] == []
            for seq in range(8, 131):
                assert (await again.get("message"))["seq"] == seq
            await investor.say(conversation, "新的")
            assert (await again.get("message"))["seq"] == 131
        async with house.device(name, resume={}) as silent:
            assert await silent.quiet() == ["ready"]


async def test_seqs_of_another_life_of_the_database_say_nothing(house: House) -> None:
    async with house.pair() as (investor, _, conversation):
        for n in range(1, 4):
            await investor.say(conversation, f"{n}")
        name, epoch = (str(investor.frames[0][part]) for part in ("principal", "epoch"))
        async with house.device(name, resume={conversation: 2}, epoch=epoch) as same:
            assert same.frames[0]["resync"] == []
            assert (await same.get("message"))["seq"] == 3
        gone = str(uuid4())
        async with house.device(name, resume={conversation: 2, gone: 7}, epoch="00000000") as other:
            assert (set(other.frames[0]["resync"]), other.frames[0]["epoch"]) == ({conversation, gone}, epoch)
            asked = {"type": "history", "conversation_id": gone, "before_seq": 8, "limit": 10}
            assert await other.error(**asked) == "not_found", "which the device may forget"
            assert (await investor.say(conversation, "4"))["seq"] == 4
            assert (await other.get("message"))["seq"] == 4


async def test_who_missed_more_than_a_thousand_asks_for_history(house: House) -> None:
    async with house.pair() as (investor, _, conversation):
        await house.brokerage.execute(
            "insert into message (conversation_id, seq, id, sender_kind, sender_id, client_id, kind, body)"
            " select c.id, n, gen_random_uuid(), 'investor', c.customer_id, gen_random_uuid(), 'text', n::text"
            " from conversation c, generate_series(1, 1100) n where c.id = $1::text::uuid",
            conversation,
        )
        await house.brokerage.execute("update conversation set last_seq = 1100 where id = $1::text::uuid", conversation)
        name = str(investor.frames[0]["principal"])
        async with house.device(name, resume={conversation: 5}) as late:
            assert late.frames[0]["resync"] == [conversation]
            await late.send(type="history", conversation_id=conversation, limit=100)
            page = await late.get("history")
            assert ([one["seq"] for one in page["messages"]], page["more"]) == (list(range(1001, 1101)), True)
            await late.send(type="history", conversation_id=conversation, before_seq=4, limit=100)
            page = await late.get("history")
            assert ([one["seq"] for one in page["messages"]], page["more"]) == ([1, 2, 3], False)
        async with house.device(name, resume={conversation: 150}) as again:
            assert again.frames[0]["resync"] == []
            assert [(await again.get("message"))["seq"] for _ in range(950)] == list(range(151, 1101))


async def test_a_device_that_does_not_read_is_cut_and_loses_nothing(house: House) -> None:
    async with house.pair() as (investor, _, conversation):
        deaf = socket.create_connection(("127.0.0.1", house.nodes[0].settings.realtime_port))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0)
        name = str(investor.frames[0]["principal"])
        async with house.nodes[0].client(sock=deaf, max_queue=1) as client:
            token = await house.token("investor", name.split(":")[1])
            assert (await client.ask(type="auth", token=token, device_id="d"))["type"] == "ready"
            await house.brokerage.execute(_SPEAK, conversation, 950)
            await house.brokerage.execute(
                "update conversation set last_seq = 950 where id = $1::text::uuid", conversation
            )
            assert [(await investor.get("message"))["seq"] for _ in range(950)] == list(range(1, 951))
            last = 0
            with contextlib.suppress(ConnectionClosed):
                while True:
                    frame = await client.receive(20)
                    assert frame["seq"] == last + 1
                    last = frame["seq"]
            assert await client.closed(20) in (4008, 1006), "who reads again too late finds the connection gone"
            assert last < 950
        async with house.device(name, resume={conversation: last}) as again:
            assert [(await again.get("message"))["seq"] for _ in range(950 - last)] == list(range(last + 1, 951))


async def test_receipts_go_to_the_others_and_stand_in_ready(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        await investor.say(conversation, "看到了吗")
        await broker.get("message")
        await broker.send(type="delivered", conversation_id=conversation, seq=1)
        receipt = await investor.get("receipt")
        number = str(broker.frames[0]["principal"]).split(":")[1]
        assert (receipt["by"], receipt["delivered_seq"], receipt.get("read_seq")) == (number, 1, None)
        await broker.send(type="read", conversation_id=conversation, seq=1)
        assert (await investor.get("receipt"))["read_seq"] == 1
        assert "receipt" not in await broker.quiet(0.3)
        async with house.device(str(investor.frames[0]["principal"])) as again:
            (line,) = again.frames[0]["conversations"]
            assert (line["peer"]["id"], line["peer_read_seq"], line["read_seq"]) == (number, 1, 1)


async def test_from_the_queue_it_is_taken_closed_and_rated(house: House) -> None:
    branch, team = await house.branch()
    broker, other, stranger = await house.broker(unit=team), await house.broker(unit=team), await house.broker()
    investor = await house.investor(branch=branch)
    await house.brokerage.execute(
        "update employee set licence_no = null where employee_no = any ($1::text[])", [broker, other]
    )
    async with (
        house.device(f"investor:{investor}") as customer,
        house.device(f"staff:{broker}", node=1) as first,
        house.device(f"staff:{other}") as second,
        house.device(f"staff:{stranger}") as nobody,
    ):
        opened = await customer.open(topic="account")
        conversation = opened["conversation_id"]
        assert (opened["state"], opened["position"]) == ("queued", 1)
        assert (await customer.say(conversation, "有人吗"))["seq"] == 1
        assert (await second.get("changed"))["what"] == "conversations"
        assert await nobody.error(type="accept", conversation_id=conversation) == "not_found"
        await first.send(type="accept", conversation_id=conversation)
        for talker in (first, customer):
            assert (await talker.get("assigned"))["employee"]["id"] == broker
        assert (await first.get("message"))["body"] == "有人吗"
        assert await second.error(type="accept", conversation_id=conversation) == "not_found"
        assert await second.error(type="close", conversation_id=conversation) == "not_found"
        assert await customer.error(type="rate", conversation_id=conversation, score=5) == "not_allowed"
        await first.send(type="close", conversation_id=conversation)
        assert (await first.get("closed"))["may_rate"] is False
        closed = await customer.get("closed")
        assert (closed["by"], closed["may_rate"]) == (broker, True)
        assert (await customer.say(conversation, "还在吗"))["code"] == "conversation_closed"
        for _ in range(2):  # again it is answered alike
            await customer.send(type="rate", conversation_id=conversation, score=5, comment="谢谢")
            assert (await customer.get("closed"))["may_rate"] is False
        assert await customer.error(type="rate", conversation_id=conversation, score=1) == "not_allowed"


async def test_staff_open_with_customers_of_theirs_and_say_whether_they_can_be_reached(house: House) -> None:
    broker = await house.broker()
    investor, stranger = await house.investor(broker), await house.investor()
    async with house.device(f"staff:{broker}") as staff, house.device(f"investor:{investor}", node=1) as customer:
        conversation = (await staff.open(customer_no=investor))["conversation_id"]
        assert (await customer.get("assigned"))["conversation_id"] == conversation
        await staff.say(conversation, "您的问卷快到期了")
        assert (await customer.get("message"))["seq"] == 1
        error = {"type": "open", "client_id": str(uuid4())}
        assert await staff.error(**error, customer_no=stranger) == "not_found"
        assert await staff.error(**error) == await customer.error(**error, customer_no=investor) == "bad_frame"
        await staff.send(type="status", status="busy")
        while (await customer.get("presence"))["status"] != "busy":
            pass


async def test_an_employee_who_loses_a_conversation_gets_nothing_more_of_it(house: House) -> None:
    async with house.pair((0, 1)) as (investor, broker, conversation):
        other = await house.broker()
        assert (await investor.get("assigned"))["employee"]["id"] != other, "as it was opened"
        await house.hand_over(str(investor.frames[0]["principal"]).split(":")[1], other)
        assert (await broker.get("closed", 20))["by"] == other
        assert (await investor.get("assigned", 20))["employee"]["id"] == other
        assert (await broker.say(conversation, "还是我"))["code"] == "not_found"
        await investor.say(conversation, "换人了")
        await broker.quiet()
        assert broker.seqs(conversation) == []


async def test_each_device_reads_a_notice_in_its_language(house: House) -> None:
    name = f"staff:{await house.broker()}"
    async with (
        house.device(name, language="en-GB, zh;q=0.5") as one,
        house.device(name, language="zh-CN") as other,
        house.device(name) as third,
    ):
        async with house.brokerage.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            english = ("New task", "Call a customer")
            given = await notice.give(tx, "staff", name.split(":")[1], "task", "新任务", "请回访客户", english=english)
        await house.told_of(given)
        told = [await talker.get("notice") for talker in (one, other, third)]
        assert [(frame["title"], frame["body"]) for frame in told] == [english, *[("新任务", "请回访客户")] * 2]


async def test_a_notice_reaches_every_open_device(house: House) -> None:
    broker = await house.broker()
    async with house.device(f"staff:{broker}") as one, house.device(f"staff:{broker}", node=1) as other:
        async with house.brokerage.database.transaction() as tx:
            await apply_system(tx, "test", kind="company")
            given = await notice.give(
                tx, "staff", broker, "task", "新任务", "请回访客户", "hexad://tasks/1", english=None
            )
        await house.told_of(given)
        for talker in (one, other):
            told = await talker.get("notice")
            assert (told["id"], told["title"], told["link"]) == (str(given), "新任务", "hexad://tasks/1")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "send", "kind": "text", "body": "x" * 4001}, "too_long"),
        ({"type": "send", "kind": "text", "body": " \n "}, "bad_frame"),
        ({"type": "send", "kind": "text", "body": "a\x00b"}, "bad_frame"),
        ({"type": "send", "kind": "text"}, "bad_frame"),
        ({"type": "send", "kind": "image", "attachment_id": str(uuid4())}, "not_allowed"),
        ({"type": "send", "kind": "shout", "body": "x"}, "bad_frame"),
        ({"type": "history", "limit": 101}, "bad_frame"),
        ({"type": "history", "limit": 10, "before_seq": 0}, "bad_frame"),
        ({"type": "read", "seq": -1}, "bad_frame"),
        ({"type": "accept"}, "not_allowed"),
        ({"type": "rate", "score": 6}, "bad_frame"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
async def test_bad_input_is_answered_and_the_socket_lives(house: House, frame: dict[str, object], code: str) -> None:
    async with house.pair() as (investor, _, conversation):
        extra = {"client_id": str(uuid4())} if frame["type"] == "send" else {}
        assert await investor.error(conversation_id=conversation, **extra, **frame) == code
        assert (await investor.say(conversation, "好的" + "x" * 3998))["seq"] == 1


async def test_other_peoples_conversations_look_missing(house: House) -> None:
    async with house.pair() as (_, _, conversation), house.pair((1, 1)) as (investor, broker, _):
        for talker in (investor, broker):
            assert (await talker.say(conversation, "打扰"))["code"] == "not_found"
            assert await talker.error(type="history", conversation_id=conversation, limit=10) == "not_found"
            assert await talker.error(type="read", conversation_id=conversation, seq=1) == "not_found"
        assert await broker.error(type="close", conversation_id=conversation) == "not_found"
        assert await broker.error(type="accept", conversation_id=conversation) == "not_found"
        assert await investor.error(type="rate", conversation_id=conversation, score=1) == "not_found"
        name = str(investor.frames[0]["principal"])
        async with house.device(name, resume={conversation: 0}) as again:
            assert conversation not in json.dumps(again.frames)


async def test_the_same_frame_ten_times_at_once_has_ten_answers(house: House) -> None:
    async with house.pair((0, 1)) as (one, other, conversation):
        client_id = str(uuid4())
        for _ in range(10):
            await one.send(type="send", client_id=client_id, conversation_id=conversation, kind="text", body="好")
        answers = [await one.get("accepted") for _ in range(10)]
        assert {(answer["client_id"], answer["seq"]) for answer in answers} == {(client_id, 1)}
        assert (await other.get("message"))["seq"] == 1
        assert "message" not in await one.quiet()
