"""An item of which something goes wrong stops no other: it is said once, counted, and named at readiness."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from centers.service import conversation_list
from centers.service.conversation_rules import Line, Person, Reader, Said
from identity.principal import Tokens
from kernel.errors import Unavailable
from kernel.settings import Settings
from kernel.store.database import Database, Tx
from kernel.telemetry import metrics
from mobile_contracts.event import NoticeGiven
from notifications.inbox import notice
from realtime import hub as hub_module
from realtime import rounds
from realtime.connection import Connection
from realtime.hub import Hub
from realtime.rounds import Rounds
from realtime.server import Application
from realtime.sign_in import SignIn

CONVERSATIONS = [UUID(int=number) for number in (1, 2, 3)]
WRONG = CONVERSATIONS[1]


@pytest.fixture
async def node(database: Database, own_settings: Settings) -> Hub:
    """A node to which nobody has come."""
    return Hub(own_settings, database, SignIn(Tokens(own_settings), database, own_settings))


@pytest.fixture
async def client(own_settings: Settings, node: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the node over HTTP."""
    transport = httpx.ASGITransport(app=Application(own_settings, node))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as asking:
        yield asking


async def test_what_fails_of_one_item_is_named_at_readiness_and_keeps_no_client_from_the_node(
    node: Hub, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/health/ready")).json()["status"] == "unready"
    node._note("")
    assert "failing" not in (await client.get("/health/ready")).json()
    node._rerouting.rounds.failing.failed(str(WRONG), ValueError("13800138000"))
    node._desk.writer.failing.failed("a message", KeyError("x"))
    answer = await client.get("/health/ready")
    assert answer.status_code == 200, "a balancer that left every node for one item would stop all others"
    assert answer.json()["status"] == "ok"
    assert answer.json()["failing"].startswith(f"rerouting: {WRONG}: ValueError: ")
    assert "messages: a message: KeyError: 'x'" in answer.json()["failing"]
    assert "13800138000" not in answer.text


async def test_a_round_that_fails_is_said_once_counted_and_followed_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_SECONDS", "_BREATH_SECONDS"):
        monkeypatch.setattr(rounds, name, 0.001)
    looked, well = 0, asyncio.Event()

    async def look() -> None:
        nonlocal looked
        looked += 1
        if looked <= 3:
            raise ValueError("again") if looked < 3 else Unavailable("PostgreSQL")
        well.set()

    one = Rounds("rounds", look)
    with capture_logs() as lines:
        running = asyncio.create_task(one.run())
        while looked < 3:
            await asyncio.sleep(0)
        shown = str(one.failing.problem())
        await asyncio.wait_for(well.wait(), 60)
        while one.failing.problem():
            await asyncio.sleep(0)
        running.cancel()
    assert shown.startswith("every one: "), "while it failed it was shown"
    assert [line["problem"] for line in lines] == [
        "ValueError: again",
        f"Unavailable: {Unavailable('PostgreSQL')}",
    ]
    assert b'hexad_loop_failures_total{loop="rounds"} 3.0' in metrics.render()[0]


async def test_work_that_ends_in_an_error_begins_again_and_is_named(node: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_FAILED_SECONDS", 0.001)
    begun = asyncio.Queue[int]()

    async def work() -> None:
        begun.put_nowait(1)
        if begun.qsize() < 3:
            raise ValueError("not again")
        await asyncio.Event().wait()

    running = asyncio.create_task(node._kept_up("gossip", work))
    async with asyncio.timeout(60):
        while begun.qsize() < 3:
            await asyncio.sleep(0.001)
    assert node.troubles == "beside: gossip: ValueError: not again"
    running.cancel()


def line(conversation_id: UUID) -> Line:
    return Line(conversation_id, "queued", 0, 1, "88", "王一", 0, 7, None, None, None, 0)


async def test_a_conversation_that_cannot_be_told_of_keeps_no_other(node: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[UUID] = []

    async def standing(tx: Tx, ids: list[UUID], **whose: Any) -> list[Line]:
        return [line(one) for one in CONVERSATIONS]

    def changed(one: Line) -> None:
        if one.id == WRONG:
            raise ValueError("not this one")
        told.append(one.id)

    monkeypatch.setattr(conversation_list, "standing", standing)
    monkeypatch.setattr(node._desk.delivery, "changed", changed)
    await node._lookout._look_at(every=True)
    assert told == [CONVERSATIONS[0], CONVERSATIONS[2]]
    assert node.troubles == f"conversations: {WRONG}: ValueError: not this one"


async def test_a_notice_that_cannot_be_read_keeps_no_other(node: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []

    async def find(tx: Tx, notice_id: UUID, language: str) -> Any:
        asked.append(notice_id)
        raise Unavailable if notice_id == WRONG else KeyError("gone")

    monkeypatch.setattr(notice, "find", find)
    monkeypatch.setattr(node._desk.delivery, "is_here", lambda name: True)
    monkeypatch.setattr(node._desk.delivery, "languages", lambda name: {"zh"})
    for one in CONVERSATIONS:
        node.heard(NoticeGiven(notice_id=one, audience="staff", subject="1"))
    running = asyncio.create_task(node._lookout.tell())
    async with asyncio.timeout(60):
        while len(asked) < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
    assert f"notices: {CONVERSATIONS[0]}: KeyError: 'gone'" in node.troubles
    assert f"{WRONG}: Unavailable" in node.troubles
    running.cancel()


async def test_a_conversation_that_cannot_be_caught_up_with_keeps_neither_the_others_nor_the_socket(
    node: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UUID] = []

    async def missed(conversation_id: UUID, since: int, size: int) -> list[Said]:
        asked.append(conversation_id)
        if conversation_id == WRONG:
            raise ValueError("not this one")
        return []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(event: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(node, "missed", missed)
    phone = Connection(node, "h", receive, send, lambda code, why: None)
    phone.reader = Reader(Person("staff", 1, "1001", "员工"), ())
    for one in CONVERSATIONS:
        phone.view.follow(one, 0, 0)
        phone.view.behind.add(one)
    phone.look()
    running = asyncio.create_task(phone.run())
    async with asyncio.timeout(60):
        while not set(CONVERSATIONS) <= set(asked):
            await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    assert not running.done()
    assert node.troubles == f"catching up: {WRONG}: ValueError: not this one"
    running.cancel()
