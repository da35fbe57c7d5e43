"""Who may send what: every frame of the chat, sent by every role and by nobody's; `tests/api` draws the same of routes.

The frames are those of the contract itself, so that a new one is sent too.
"""

from typing import Any, get_args
from uuid import uuid4

import pytest

from mobile_contracts.frame import Asked, ClientFrame
from tests.realtime.chat import House, Talker, house, numbers, two_nodes

__all__ = ["house", "numbers", "two_nodes"]

FRAMES: tuple[type[ClientFrame], ...] = get_args(Asked)
FIELDS: dict[str, dict[str, Any]] = {
    "open": {"client_id": str(uuid4()), "customer_no": "nobody"},
    "send": {"client_id": str(uuid4()), "kind": "text", "body": "x"},
    "delivered": {"seq": 1}, "read": {"seq": 1}, "history": {"limit": 1}, "accept": {}, "close": {},
    "rate": {"score": 5}, "status": {"status": "online"},
}  # fmt: skip
ROLES = (
    "", "broker", "account_manager", "adviser", "team_leader", "broker_supervisor", "marketing_manager",
    "branch_manager", "region_manager", "head_office_marketing", "compliance", "service_agent", "administrator",
)  # fmt: skip


async def refusal(talker: Talker, frame: type[ClientFrame], **fields: Any) -> str:
    """Why a frame about what nobody has is refused: its permission, or empty when it is not for want of one."""
    kind = str(frame.__struct_config__.tag)
    wanted = fields | FIELDS[kind]
    if kind not in ("open", "status"):
        wanted["conversation_id"] = str(uuid4())
    await talker.send(type=kind, **wanted)
    while True:
        got = await talker.client.receive()
        if got["type"] == "error":
            return str(got["detail"]) if got["code"] == "not_allowed" else ""
        if got["type"] == "presence" and kind == "status":
            return ""


@pytest.mark.parametrize("role", ROLES)
async def test_a_frame_is_for_whoever_has_its_permission(house: House, role: str) -> None:
    no = await house.broker(role=role)
    async with house.brokerage.database.transaction() as tx:
        given = {row[0] for row in await tx.fetch("select permission from role_permission where role = $1", role)}
    async with house.device(f"staff:{no}") as talker:
        for frame in FRAMES:
            found = await refusal(talker, frame)
            if not frame.staff:
                assert found == "this frame is for the other side", frame
            else:
                assert found == ("" if frame.staff in given else f"permission {frame.staff}"), frame


async def test_the_roles_are_all_there_are(house: House) -> None:
    async with house.brokerage.database.transaction() as tx:
        known = {row[0] for row in await tx.fetch("select code from role")}
    assert known == {*ROLES, "investor"} - {""}


async def test_without_a_role_nothing_is_seen_and_nobody_is_routed(house: House) -> None:
    branch, team = await house.branch()
    nobody = await house.broker(unit=team, role="")
    async with house.device(f"staff:{nobody}") as talker:
        investor = await house.investor(branch=branch)
        async with house.device(f"investor:{investor}", node=1) as customer:
            assert (await customer.open())["state"] == "queued", "nobody is there who may speak with them"
        assert "changed" not in await talker.quiet()
    async with house.device(f"staff:{nobody}") as again:
        assert again.frames[0]["conversations"] == []


@pytest.mark.parametrize(("topic", "code"), [("advisory", "not_allowed"), ("product", "not_allowed"), ("account", "")])
async def test_advice_and_products_take_a_licence(house: House, topic: str, code: str) -> None:
    branch, team = await house.branch()
    broker = await house.broker(unit=team, licensed=False)
    investor = await house.investor(branch=branch)
    async with house.device(f"investor:{investor}") as customer, house.device(f"staff:{broker}", node=1) as staff:
        conversation = (await customer.open(topic=topic))["conversation_id"]
        if code:
            assert await staff.error(type="accept", conversation_id=conversation) == code
            await house.brokerage.execute(
                "update employee set licence_no = 'S1', licence_valid_to = current_date where employee_no = $1", broker
            )
            assert await staff.error(type="accept", conversation_id=conversation) == code, "its end is exclusive"
            await house.brokerage.execute(
                "update employee set licence_valid_to = current_date + 1 where employee_no = $1", broker
            )
        await staff.send(type="accept", conversation_id=conversation)
        assert (await staff.get("assigned"))["employee"]["id"] == broker


async def test_an_investors_frames_ask_for_what_an_investor_may(house: House) -> None:
    investor = await house.investor()
    async with house.device(f"investor:{investor}") as talker:
        for frame in FRAMES:
            if not frame.investor:
                assert await refusal(talker, frame) == "this frame is for the other side", frame
            elif frame.__struct_config__.tag not in ("open", "status"):
                assert await refusal(talker, frame) == "", frame
