"""Revocation reaches open sockets, and there are no more sockets than there may be."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from identity.principal import Tokens
from kernel.bus.choice import open_bus
from kernel.security.scope import Audience, Principal
from kernel.settings import Settings
from kernel.store.database import Database
from kernel.store.lineage import restored
from mobile_contracts.event import PersonChanged, SessionEnded
from realtime import hub
from realtime.connection import Connection
from realtime.garbage import Garbage
from realtime.hub import Hub
from realtime.sign_in import SignIn
from tests.brokerage import small
from tests.brokers import bus_settings
from tests.realtime.conftest import Node, People

__all__ = ["bus_settings"]


async def test_a_revoked_session_loses_its_sockets_and_others_keep_theirs(node: Node, people: People) -> None:
    session_id = await people.session("10086")
    token, other = people.issue(session_id, "10086"), await people.token("10086")
    async with node.signed_in(token) as one, node.signed_in(token) as two, node.signed_in(other) as kept:
        await people.revoke(session_id)
        for client in (one, two):
            assert (await client.receive())["code"] == "session_ended"
            assert await client.closed() == 4401
        assert (await kept.ask(type="ping", n=1))["type"] == "pong"


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_node_that_is_told_looks_at_once(
    database: Database, own_settings: Settings, own_people: People, monkeypatch: pytest.MonkeyPatch, *, leaves: bool
) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 60.0)
    told = Hub(own_settings, database, SignIn(Tokens(own_settings), database, own_settings))
    session_id = await own_people.session("10086")
    sent: asyncio.Queue[Any] = asyncio.Queue()
    received: asyncio.Queue[Any] = asyncio.Queue()
    client = Connection(told, "127.0.0.1", received.get, sent.put, lambda code, why: None)
    token = own_people.issue(session_id, "10086")
    received.put_nowait(
        {"type": "websocket.receive", "text": json.dumps({"type": "auth", "token": token, "device_id": "d"})}
    )
    with told.holding(client):
        serving, watching = asyncio.create_task(client.run()), asyncio.create_task(told.watch())
        async with asyncio.timeout(20):
            assert "ready" in (await sent.get())["text"]
            if leaves:
                await dismiss(database, "10086")
                told.heard(PersonChanged(employee_no="10086"))
            else:
                await own_people.revoke(session_id)
                told.heard(SessionEnded(session_id=session_id))
            assert "session_ended" in (await sent.get())["text"]
            assert (await sent.get())["code"] == 4401
            received.put_nowait({"type": "websocket.disconnect", "code": 4401})
            await serving
        watching.cancel()


async def dismiss(database: Database, employee_no: str) -> None:
    """Makes an employee who left today."""
    async with database.transaction() as tx:
        await tx.execute(
            "insert into employee (employee_no, name, unit_id, position, hired_on, left_on, source, digest)"
            " select $1, $1, id, 'broker', '2020-01-01', current_date, 'hr', '' from unit where kind = 'company'",
            employee_no,
        )


async def test_every_node_listens_to_the_bus(bus_settings: Settings, start_node: Callable[..., Node]) -> None:
    node = start_node(bus_url=bus_settings.bus_url, queue_prefix=bus_settings.queue_prefix)
    async with open_bus(node.settings) as bus, asyncio.timeout(20):
        while 'hexad_bus_messages_total{outcome="heard"}' not in httpx.get(f"http://{node.address}/metrics").text:
            assert await bus.tell([SessionEnded(session_id=uuid4())])
            await asyncio.sleep(0.1)


async def test_a_revoked_session_cannot_sign_in_again_at_once(node: Node, people: People) -> None:
    session_id = await people.session("10086")
    token = people.issue(session_id, "10086")
    async with node.signed_in(token):
        await people.revoke(session_id)
        async with node.client() as client:
            assert (await client.ask(type="auth", token=token, device_id="d"))["code"] == "session_ended"


async def refused(node: Node) -> int:
    with pytest.raises(InvalidStatus) as error:
        async with node.client():
            pass
    assert 1 <= int(error.value.response.headers["Retry-After"]) <= 30
    return error.value.response.status_code


async def test_somebody_comes_when_their_connection_and_their_sign_in_end_well_and_no_renewal_counts(
    database: Database, own_settings: Settings, own_people: People
) -> None:
    class Slow(SignIn):
        async def of(self, token: str, device_id: str) -> tuple[Principal, float]:
            await asyncio.sleep(0.2)
            return await super().of(token, device_id)

    async def nobody(*_: object) -> Any:
        raise AssertionError("nothing is read or written here")

    loop, token = asyncio.get_running_loop(), await own_people.token("10086")
    node = Hub(own_settings, database, Slow(Tokens(own_settings), database, own_settings))
    client, began = Connection(node, "127.0.0.1", nobody, nobody, lambda code, why: None), loop.time()
    with node.holding(client):
        assert node._arrived >= began
        await node.sign_in(client, token, "d")
        assert node._arrived >= began + 0.2, "a wave is not over while its sign-ins are under way"
        before = node._arrived
        await node.sign_in(client, token, "d")
        assert node._arrived == before


async def test_a_node_looks_for_garbage_as_long_as_it_runs(
    database: Database, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = asyncio.Event()
    monkeypatch.setattr(Garbage, "look", lambda self, now: looked.set())
    node = Hub(own_settings, database, SignIn(Tokens(own_settings), database, own_settings))
    running = asyncio.create_task(node.run())
    async with asyncio.timeout(60):
        await looked.wait()
    running.cancel()
    await asyncio.wait([running])


async def test_strangers_at_an_address_keep_nobody_out_and_drive_nobody_away(
    database: Database, own_settings: Settings, own_people: People
) -> None:
    narrow = msgspec.structs.replace(own_settings, sockets_per_address=2)
    node, cut = Hub(narrow, database, SignIn(Tokens(own_settings), database, own_settings)), list[tuple[str, int]]()

    def arriving(name: str, host: str = "203.0.113.9") -> Connection:
        return Connection(node, host, nobody, nobody, lambda code, _: cut.append((name, code)))

    async def nobody(*_: object) -> Any:
        raise AssertionError("nothing is read or written here")

    signed, token = arriving("signed in"), await own_people.token("10086")
    with contextlib.ExitStack() as held:
        for one in (arriving("oldest"), signed):
            held.enter_context(node.holding(one))
        await node.sign_in(signed, token, "d")
        held.enter_context(node.holding(arriving("old")))
        assert cut == [], "who has signed in counts no more"
        for name in ("third", "fourth"):
            assert node.refusal("203.0.113.9") is None
            held.enter_context(node.holding(arriving(name)))
        held.enter_context(node.holding(arriving("elsewhere", "198.51.100.1")))
        assert cut == [("oldest", 4401), ("old", 4401)], "who has not signed in for longest makes room"
    assert node._unsigned == {}


async def test_one_connection_too_many_is_refused_until_one_leaves(
    start_node: Callable[..., Node], own_people: People
) -> None:
    node, token = start_node(sockets=2), await own_people.token("10086")
    async with node.signed_in(token) as kept:
        async with node.client():
            assert await refused(node) == 503
        await comes_in(node, token)
        assert (await kept.ask(type="ping", n=1))["type"] == "pong"


async def comes_in(node: Node, token: str) -> None:
    """Tries to sign in until there is room."""
    async with asyncio.timeout(60):
        while True:
            try:
                async with node.signed_in(token):
                    return
            except InvalidStatus:
                await asyncio.sleep(0.05)


async def test_one_principal_has_so_many_connections_and_another_has_their_own(
    start_node: Callable[..., Node], own_people: People
) -> None:
    node = start_node(sockets_per_principal=2)
    token, other = await own_people.token("10086"), await own_people.token("20000")
    async with node.signed_in(token) as first, node.signed_in(token):
        async with node.client() as third:
            assert (await third.ask(type="auth", token=token, device_id="d"))["code"] == "rate_limited"
            assert await third.closed() == 4029
        assert (await first.ask(type="auth", token=token, device_id="d"))["type"] == "ready", (
            "a renewal is not one more"
        )
        async with node.signed_in(other):
            pass
    async with node.signed_in(token):
        pass


async def test_clients_that_vanish_are_forgotten(start_node: Callable[..., Node], own_people: People) -> None:
    node, token = start_node(sockets=3), await own_people.token("10086")
    for _ in range(9):
        await comes_in(node, token)
        async with node.signed_in(token) as client:
            client.socket.transport.abort()


_BREAK = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and usename = current_user and pid <> pg_backend_pid()"
)


async def test_when_the_database_was_put_back_everybody_begins_anew(
    start_node: Callable[..., Node], own_people: People, own_settings: Settings
) -> None:
    node, token = start_node(), await own_people.token("10086")
    async with node.client() as client:
        before = (await client.ask(type="auth", token=token, device_id="d"))["epoch"]
        await restored(own_settings.owner_url, "the disk was lost")
        server = await asyncpg.connect(own_settings.database_url)
        await server.execute(_BREAK)  # as whatever puts a database back does
        await server.close()
        while (frame := await client.receive(30))["type"] != "bye":
            pass
        assert frame["retry_after"] > 0
        assert await client.closed() == 1012
    async with node.client() as client:
        assert (await client.ask(type="auth", token=token, device_id="d"))["epoch"] not in ("", before)
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


def sizes(thing: Any, at: str = "", seen: set[int] | None = None) -> dict[str, int]:
    """How much every container of an object of the node, and of those that it is made of, holds."""
    found: dict[str, int] = {}
    seen = set() if seen is None else seen
    for name, value in vars(thing).items():
        if isinstance(value, dict | set | list | deque):
            found[f"{at}{name}"] = len(value)
        elif type(value).__module__.startswith("realtime.") and id(value) not in seen:
            seen.add(id(value))
            if hasattr(value, "__dict__"):
                found |= sizes(value, f"{at}{name}.", seen)
    return found


async def passing(node: Hub, token: str, frames: list[dict[str, Any]]) -> None:
    """A client who signs in, sends these and is gone, without a goodbye."""
    received: asyncio.Queue[Any] = asyncio.Queue()
    for frame in ({"type": "auth", "token": token, "device_id": "d"}, *frames):
        received.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})
    received.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def send(event: Any) -> None:
        raise OSError

    client = Connection(node, "127.0.0.1", received.get, send, lambda code, why: None)
    with node.holding(client):
        await client.run()


async def test_after_a_thousand_broken_connections_the_node_is_as_small_as_before(
    database: Database, own_settings: Settings
) -> None:
    house = await small(database, own_settings)
    await house.execute("update employee set licence_no = 'S1'")
    generous = msgspec.structs.replace(own_settings, sockets_per_principal=1000)
    node = Hub(generous, database, SignIn(Tokens(own_settings), database, own_settings))
    people: list[tuple[Audience, str]] = [("staff", no) for no in ("1001", "1003", "2001")] + [
        ("investor", no) for no in house.customers
    ]
    tokens = [(await house.headers(no, audience, "d"))["Authorization"].split()[1] for audience, no in people]
    await asyncio.gather(*(passing(node, token, []) for token in tokens))  # verified tokens are remembered, in bounds
    await node._people.look()
    before = sizes(node)
    working = asyncio.create_task(node.run())
    assert {"_connections", "_desk.delivery._threads", "_desk.marks._said", "_lookout._named"} <= before.keys()
    for turn in range(10):
        await asyncio.gather(*(
            passing(node, tokens[number % len(tokens)], [
                {"type": "open", "client_id": str(uuid4())}, {"type": "status", "status": "online"},
                {"type": "read", "conversation_id": str(uuid4()), "seq": turn + 1},
            ])
            for number in range(100)
        ))  # fmt: skip
    assert await house._row("select count(*) from conversation") != (0,)
    async with asyncio.timeout(60):
        while sizes(node) != before:
            await asyncio.sleep(0.1)
    working.cancel()
