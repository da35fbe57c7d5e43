"""An investor signs in by SMS and speaks with their broker, who answers from another device; a cut loses nothing."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from hexad.tour.client import App, Json, Line
from hexad.tour.promise import promised
from hexad.tour.stage import Stage

_MISSED = 3


async def chats(stage: Stage) -> None:
    """An investor signs in by SMS and chats; the socket is cut and resumes."""
    stage.chatting = await _by_sms(stage)
    cast = stage.cast
    first = await stage.held.enter_async_context(stage.broker.line())
    second = await stage.held.enter_async_context((await stage.staff(cast.broker.subject, cast.broker.password)).line())
    stage.broker_line = first
    stage.tell("the broker is online on two devices")
    async with stage.chatting.line() as line:
        conversation, said, answer = await _speak(stage, line, first, second)
        line.cut()
    missed = [await first.say(conversation, f"还有一事({number})") for number in range(1, _MISSED + 1)]
    await _resume(stage, conversation, answer["seq"], missed)
    for device, name in ((first, "first"), (second, "second")):
        _once(await device.all_until_now(), said["message_id"], f"the broker's {name} device")
    stage.tell("each of the broker's devices has every message once")
    await _ends(stage, first, conversation)


async def _by_sms(stage: Stage) -> App:
    app, number = stage.app("investor"), stage.cast.investor
    mask = (await stage.broker.get(f"/customers/{number}"))["mobile"]
    asked = datetime.now(UTC)
    body = {"login": number, "device_id": app.device_id, "purpose": "sign_in"}
    got = await app.ask("POST", "/v1/auth/investor/code", body)
    promised(got.status == 202, f"a code by SMS is refused: {got.status} {got.why}")
    await app.sign_in("investor/sign-in", {"login": number, "code": await stage.letters.code(mask, asked)})
    stage.tell(f"investor {number} signs in with the code that came to {mask} by SMS")
    return app


async def _speak(stage: Stage, line: Line, first: Line, second: Line) -> tuple[str, Json, Json]:
    """The conversation, what the investor said, and what the broker answered from the second device."""
    await line.send("open", client_id=str(uuid4()), topic="advisory")
    opened = await line.get("opened")
    promised(opened["state"] == "assigned", f"the conversation is {opened['state']}, not with the broker")
    conversation, client_id = opened["conversation_id"], str(uuid4())
    said = await line.say(conversation, "您好,想了解一下理财产品。", client_id)
    again = await line.say(conversation, "您好,想了解一下理财产品。", client_id)
    promised(again["message_id"] == said["message_id"], "what is sent twice under one client_id is stored twice")
    for device in (first, second):
        await device.get("message", message_id=said["message_id"])
    stage.tell("opens a chat, which is with their broker; what they say is on both devices")
    answer = await second.say(conversation, "您好,请先做一次风险测评。")
    await line.get("message", message_id=answer["message_id"])
    await first.get("message", message_id=answer["message_id"])
    promised(answer["seq"] == said["seq"] + 1, f"the answer to message {said['seq']} is {answer['seq']}")
    stage.tell("the broker answers from the second device")
    return conversation, said, answer


async def _resume(stage: Stage, conversation: str, seen: int, missed: list[Json]) -> None:
    """The investor comes back, having seen this far, and gets what was missed, once and in order, and nothing else."""
    async with stage.chatting.line(resume={conversation: seen}) as line:
        for one in missed:
            await line.get("message", message_id=one["message_id"])
        got = [one["seq"] for one in await line.all_until_now() if one["type"] == "message"]
    wanted = [one["seq"] for one in missed]
    promised(got == wanted, f"after a cut the messages {got} come, not {wanted}")
    stage.tell(f"the socket is cut; back again it gets the {len(missed)} messages that it missed, and no other")


def _once(frames: list[Json], message_id: str, whose: str) -> None:
    seqs: list[Any] = [one["seq"] for one in frames if one["type"] in ("message", "accepted")]
    times = sum(one.get("message_id") == message_id for one in frames)
    promised(times == 1, f"{whose} got a message {times} times")
    promised(seqs == list(range(seqs[0], seqs[0] + len(seqs))), f"{whose} got the messages {seqs}")


async def _ends(stage: Stage, first: Line, conversation: str) -> None:
    async with stage.chatting.line() as line:
        await first.send("close", conversation_id=conversation)
        await line.get("closed", conversation_id=conversation)
        await line.send("rate", conversation_id=conversation, score=5, comment="谢谢")
        await line.all_until_now()
    stage.tell("the broker closes the chat, the investor gives five stars")
