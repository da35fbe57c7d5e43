"""Bodies are read before a request has a place: slow ones keep nobody waiting, and every refusal can be read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest

from api.edge import bodies
from api.edge.bodies import BODY_AT_MOST, Bodies, Body
from kernel.settings import Settings
from tests.api.conftest import Open, SignIn


def asked(*headers: tuple[bytes, bytes], method: str = "POST") -> dict[str, Any]:
    """The scope of a request with these headers."""
    return {"type": "http", "method": method, "http_version": "1.1", "headers": list(headers)}


CHUNKED = asked((b"transfer-encoding", b"chunked"))


class Slow:
    """A body that begins and does not end until it is let go."""

    def __init__(self, part: bytes = b"{") -> None:
        self.begun, self.let_go, self._part = asyncio.Event(), asyncio.Event(), part

    async def receive(self) -> Any:
        """One part, then nothing for a long time."""
        if not self.begun.is_set():
            self.begun.set()
            return {"type": "http.request", "body": self._part, "more_body": True}
        await self.let_go.wait()
        return {"type": "http.request", "body": b"}", "more_body": False}


async def begun(all_of: Bodies, address: str, slow: Slow) -> "asyncio.Task[Body]":
    """The reading of a slow body, when its first part has come."""
    reading = asyncio.create_task(all_of.read(CHUNKED, slow.receive, address, wanted=True))
    await slow.begun.wait()
    await asyncio.sleep(0)
    return reading


def bounded(settings: Settings, **bounds: Any) -> Bodies:
    """Bodies within these bounds."""
    return Bodies(msgspec.structs.replace(settings, **bounds))


async def test_the_oldest_of_an_address_makes_room_for_its_next(settings: Settings) -> None:
    all_of, slow = bounded(settings, bodies_per_address=2), [Slow() for _ in range(4)]
    other = await begun(all_of, "b", slow[0])
    readings = [await begun(all_of, "a", one) for one in slow[1:]]
    given_up = await readings[0]
    assert (given_up.refusal is not None and given_up.refusal.code, given_up.whole) == ("too_slow", False)
    for one in slow:
        one.let_go.set()
    assert [(await reading).content for reading in (other, *readings[1:])] == [b"{}"] * 3


async def test_the_oldest_of_all_makes_room_when_the_process_reads_too_many(settings: Settings) -> None:
    all_of, slow = bounded(settings, bodies=2), [Slow() for _ in range(3)]
    readings = [await begun(all_of, f"10.0.0.{number}", one) for number, one in enumerate(slow)]
    assert not (await readings[0]).whole
    for one in slow:
        one.let_go.set()
    assert [(await reading).content for reading in readings[1:]] == [b"{}"] * 2


async def test_the_oldest_makes_room_when_they_hold_too_much(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_HELD_AT_MOST", 100)
    all_of, slow = Bodies(settings), [Slow(b"x" * 60), Slow(b"x" * 60)]
    readings = [await begun(all_of, f"10.0.0.{number}", one) for number, one in enumerate(slow)]
    assert not (await readings[0]).whole
    slow[1].let_go.set()
    assert (await readings[1]).content == b"x" * 60 + b"}"


async def test_a_body_has_its_time_however_steadily_it_drips(settings: Settings) -> None:
    async def drip() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    got = await bounded(settings, body_seconds=0.2).read(CHUNKED, drip, "a", wanted=True)
    assert (got.refusal is not None and got.refusal.code, got.whole) == ("too_slow", False)


async def test_a_part_that_does_not_come_ends_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_PART_SECONDS", 0.05)
    got = await Bodies(settings).read(CHUNKED, Slow().receive, "a", wanted=True)
    assert (got.refusal is not None and got.refusal.code, got.whole) == ("too_slow", False)


async def test_nothing_is_left_of_bodies_that_ended(settings: Settings) -> None:
    all_of, slow = bounded(settings, bodies_per_address=1), [Slow(), Slow()]
    readings = [await begun(all_of, "a", one) for one in slow]
    readings[1].cancel()
    await asyncio.gather(*readings, return_exceptions=True)
    assert (all_of._all, all_of._of, all_of._held) == ({}, {}, 0)


@pytest.mark.parametrize(("size", "read"), [(BODY_AT_MOST + 1, True), (40 * BODY_AT_MOST, False)])
async def test_what_is_too_large_is_read_past_within_bounds(settings: Settings, size: int, *, read: bool) -> None:
    taken = 0

    async def parts() -> Any:
        nonlocal taken
        taken += min(65536, size - taken)
        return {"type": "http.request", "body": b"x" * 65536, "more_body": taken < size}

    for scope in (CHUNKED, asked((b"content-length", b"%d" % size))):
        taken = 0
        got = await Bodies(settings).read(scope, parts, "a", wanted=True)
        assert (got.refusal is not None and got.refusal.code, got.whole, got.content) == ("too_large", read, b"")
        assert taken < 17 * BODY_AT_MOST


async def test_who_waits_to_be_asked_for_the_body_is_refused_without_it(settings: Settings) -> None:
    async def never() -> Any:
        raise AssertionError("it was asked for")

    told = ((b"content-length", b"100"), (b"expect", b"100-continue"))
    assert await Bodies(settings).read(asked(*told), never, "a", wanted=False) == Body(whole=False)


async def test_slow_bodies_take_no_place_in_the_process(
    open_api: Open, own_settings: Settings, sign_in: SignIn
) -> None:
    settings = msgspec.structs.replace(own_settings, api_inflight=2, bodies_per_address=20)
    headers = {**await sign_in(), "If-Match": '"0"', "Content-Type": "application/json"}
    let_go, held = asyncio.Event(), 0

    async def slow() -> AsyncIterator[bytes]:
        nonlocal held
        held += 1
        yield b'{"open": '
        await let_go.wait()
        yield b"true}"

    async with open_api(settings) as client:
        dawdling = [
            asyncio.create_task(client.put(f"/v1/staff/calendar/2026-11-{day}", content=slow(), headers=headers))
            for day in range(10, 25)
        ]
        await until(lambda: held == len(dawdling))
        answers = [await client.get("/v1/staff/jobs", headers=headers) for _ in range(10)]
        answers.append(await client.put("/v1/staff/calendar/2026-11-26", json={"open": True}, headers=headers))
        ready = await client.get("/health/ready")
        let_go.set()
        await asyncio.gather(*dawdling)
    assert {answer.status_code for answer in (*answers, ready)} == {200}


async def test_readiness_tells_when_there_has_been_no_place_for_some_time(
    open_api: Open, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(msgspec.structs.replace(own_settings, api_inflight=1)) as client:
        transport: Any = client._transport
        places = transport.app.inner.state.places
        assert places.take()
        assert (await client.get("/health/ready")).status_code == 200
        monkeypatch.setattr("api.health._FULL_SECONDS", -1.0)
        told = await client.get("/health/ready")
        assert (told.status_code, "HEXAD_API_INFLIGHT" in told.json()["problem"]) == (503, True)
        places.leave()
        monkeypatch.setattr("api.health._FULL_SECONDS", 0.0)
        assert (await client.get("/health/ready")).status_code == 200


async def until(holds: Callable[[], bool]) -> None:
    """Returns as soon as it holds."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


async def test_two_hosts_or_none_are_refused(api: httpx.AsyncClient) -> None:
    transport: Any = api._transport
    for hosts in ([], [(b"host", b"")], [(b"host", b"a"), (b"host", b"b")]):
        said: list[Any] = []

        async def keep(message: Any, said: list[Any] = said) -> None:
            said.append(message)

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": "/v1/auth/keys", "headers": hosts,
                 "query_string": b"", "http_version": "1.1", "client": ("10.1.1.1", 1), "scheme": "http"}  # fmt: skip
        await transport.app(scope, nothing, keep)
        assert said[0]["status"] == 400
        assert b"Host" in said[1]["body"]
