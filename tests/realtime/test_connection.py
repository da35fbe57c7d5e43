"""How a sign-in is answered over time: wrong tokens, renewal, expiry, PostgreSQL away."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Never

import jwt
import pytest

from hexad.embedded import Postgres
from identity.principal import ISSUER, LEEWAY_SECONDS
from kernel.errors import NotSignedIn
from kernel.security.scope import Audience, Principal
from mobile_contracts.frame import Pong
from realtime import session
from realtime.connection import FRAMES_WAITING, Connection, Event
from tests.realtime.conftest import Node, People, wait_until
from tests.realtime.nobody import Nobody


async def refusal(node: Node, token: str, device_id: str = "d") -> tuple[str, int]:
    """The error code and the close code for a first `auth`."""
    async with node.client() as client:
        error = await client.ask(type="auth", token=token, device_id=device_id)
        assert error["type"] == "error"
        return error["code"], await client.closed()


async def test_an_expired_token_is_told_apart_from_a_wrong_one(node: Node, people: People) -> None:
    assert await refusal(node, await people.token("10086", seconds=-60)) == ("token_expired", 4401)
    assert await refusal(node, "nonsense") == ("wrong_credentials", 4401)


async def test_tokens_that_are_not_ours_are_refused(node: Node, people: People) -> None:
    session_id = await people.session("10086")
    unsigned = jwt.encode({"iss": ISSUER, "aud": "staff", "sub": "10086", "sid": str(session_id), "iat": 0,
                           "exp": 2**33}, "", algorithm="none")  # fmt: skip
    assert await refusal(node, unsigned) == ("wrong_credentials", 4401)
    assert await refusal(node, people.issue(session_id, "10086")[:-4] + "AAAA") == ("wrong_credentials", 4401)
    assert await refusal(node, people.issue(uuid.uuid4(), "10086")) == ("session_ended", 4401)


async def test_a_gateway_has_no_business_here(node: Node, people: People) -> None:
    audience: Audience = "gateway"
    assert await refusal(node, await people.token("sms", audience)) == ("wrong_credentials", 4401)
    session_id = await people.session("sms", audience)
    assert await refusal(node, people.issue(session_id, "sms", "staff")) == ("wrong_credentials", 4401)


async def test_a_session_of_one_device_is_not_believed_on_another(node: Node, people: People) -> None:
    token = await people.token("10086", device_id="phone-1")
    assert await refusal(node, token, "phone-2") == ("wrong_credentials", 4401)
    async with node.signed_in(token, "phone-1"):
        pass


async def test_when_the_token_expires_the_client_is_told_and_cut_off(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086", seconds=2 - LEEWAY_SECONDS)) as client:
        assert (await client.receive())["code"] == "token_expired"
        assert await client.closed() == 4401


async def test_a_token_of_a_host_that_is_behind_is_good_as_long_as_over_http(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086", seconds=20 - LEEWAY_SECONDS)) as client:
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


async def test_a_renewed_token_keeps_the_socket_open(node: Node, people: People) -> None:
    session_id = await people.session("10086")
    async with node.signed_in(people.issue(session_id, "10086", seconds=2 - LEEWAY_SECONDS)) as client:
        token = people.issue(session_id, "10086")
        assert (await client.ask(type="auth", token=token, device_id="d"))["type"] == "ready"
        with pytest.raises(TimeoutError):
            await client.receive(3)
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


async def test_a_renewal_by_somebody_else_or_with_a_bad_token_changes_nothing(node: Node, people: People) -> None:
    async with node.signed_in(await people.token("10086")) as client:
        for token, code in ((await people.token("20000"), "not_allowed"), ("nonsense", "wrong_credentials")):
            assert (await client.ask(type="auth", token=token, device_id="d"))["code"] == code
        assert (await client.ask(type="ping", n=1))["type"] == "pong"


async def test_without_postgresql_sockets_live_on_and_sign_in_comes_back(
    start_node: Callable[..., Node], own_people: People, postgres: Postgres
) -> None:
    node, token = start_node(), await own_people.token("10086")
    async with node.signed_in(token) as before, node.client() as waiting:
        await asyncio.to_thread(wait_until, lambda: node.status("/health/ready") == 200)
        await asyncio.to_thread(postgres.stop, "immediate")
        try:
            assert (await waiting.ask(type="auth", token=token, device_id="d"))["code"] == "unavailable"
            await asyncio.to_thread(wait_until, lambda: node.status("/health/ready") == 503)
            assert node.status("/health/live") == 200
            assert (await before.ask(type="ping", n=1))["type"] == "pong"
        finally:
            await asyncio.to_thread(postgres.start)
        async with node.client() as patient:
            while (answer := await patient.ask(type="auth", token=token, device_id="d"))["type"] == "error":
                assert answer["code"] == "unavailable"
                await asyncio.sleep(0.2)
        await asyncio.to_thread(wait_until, lambda: node.status("/health/ready") == 200)
        assert (await before.ask(type="ping", n=2))["type"] == "pong"


async def test_a_node_starts_without_postgresql(
    start_node: Callable[..., Node], own_people: People, postgres: Postgres
) -> None:
    token = await own_people.token("10086")
    await asyncio.to_thread(postgres.stop, "immediate")
    try:
        node = start_node()
        assert node.status("/health/ready") == 503
    finally:
        await asyncio.to_thread(postgres.start)
    await asyncio.to_thread(wait_until, lambda: node.status("/health/ready") == 200)
    async with node.signed_in(token):
        pass


class Closed(Nobody):
    """A hub that signs nobody in."""

    async def sign_in(self, connection: Connection, token: str, device_id: str) -> tuple[Principal, float]:
        raise NotSignedIn


async def test_a_client_for_whom_256_frames_wait_is_cut_and_gets_no_more() -> None:
    cut: list[int] = []
    sent: list[Event] = []
    gone = asyncio.Event()

    async def receive() -> Event:
        await gone.wait()
        return {"type": "websocket.disconnect", "code": 4008}

    async def send(event: Event) -> Never:
        sent.append(event)
        await asyncio.Event().wait()
        raise AssertionError

    connection = Connection(Closed(), "203.0.113.9", receive, send, lambda code, _: cut.append(code))
    running = asyncio.create_task(connection.run())
    connection.push(Pong(0))
    while not sent:
        await asyncio.sleep(0)
    for n in range(FRAMES_WAITING):
        connection.push(Pong(n))
    assert cut == []
    for n in range(5):
        connection.push(Pong(n))
    assert cut == [4008]
    gone.set()
    await asyncio.wait_for(running, 60)
    assert len(sent) == 1


async def test_a_node_that_stood_still_itself_lets_a_stranger_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "AUTH_SECONDS", 1.0)
    asked, ended, cut = asyncio.Event(), asyncio.Event(), list[int]()
    frames = ['{"type":"auth","token":"t","device_id":"d"}']

    class Asked(Closed):
        async def sign_in(self, connection: Connection, token: str, device_id: str) -> tuple[Principal, float]:
            asked.set()
            return await super().sign_in(connection, token, device_id)

    async def receive() -> Event:
        await stood_still.wait()
        if frames:
            return {"type": "websocket.receive", "text": frames.pop()}
        await ended.wait()
        return {"type": "websocket.disconnect", "code": 4401}

    async def send(event: Event) -> None:
        if event["type"] == "websocket.close":
            ended.set()

    stood_still = asyncio.Event()
    connection = Connection(Asked(), "203.0.113.9", receive, send, lambda code, _: cut.append(code))
    running = asyncio.create_task(connection.run())
    await asyncio.sleep(0)
    time.sleep(2)
    for _ in range(5):
        await asyncio.sleep(0)  # the timer is heard first
    stood_still.set()
    await asyncio.wait_for(asked.wait(), 60)
    await asyncio.wait_for(running, 60)
