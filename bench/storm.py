"""The sockets of `hexad bench chat` that are cut all at once, and how long it takes until the last is ready again.

In a process of its own. Each comes back as a phone does: a new connection, an upgrade, `auth` with `resume`. When it is
the node that was killed, each tries until the new one takes it, and says something.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterable
from typing import Any
from uuid import uuid4

import msgspec
import uvloop
from msgspec import Struct

from bench.chatter import Connection, Talk, sending
from bench.figures import Run, percentile
from kernel.errors import Unavailable

_FIRST_AT_ONCE = 50
_ROUND_SECONDS = 60.0
_TRY_SECONDS = 0.1
_Came = tuple[Connection, float]


class Storm(Struct, frozen=True):
    """Who is connected, and how often all of them are cut; with the process of the node it is killed, once."""

    port: int
    talks: list[Talk]
    rounds: int = 1
    node: int | None = None


def measured(storm: Storm) -> list[Run]:
    """Each round: milliseconds until one is ready, seconds until all are; raises `Unavailable` when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.storm"], input=msgspec.json.encode(storm), capture_output=True, check=False,
        timeout=(storm.rounds + 2) * _ROUND_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"the storm broke off: {done.stderr.decode(errors='replace')[-500:]}")
    return msgspec.json.decode(done.stdout, type=list[Run])


async def blow(storm: Storm) -> list[Run]:
    """Connects everybody in good order, then cuts all of them, as often as wanted."""
    people = list[Connection]()
    async with asyncio.timeout(_ROUND_SECONDS):
        for at in range(0, len(storm.talks), _FIRST_AT_ONCE):
            part = storm.talks[at : at + _FIRST_AT_ONCE]
            people += [one for one, _ in await _all(_ready(storm.port, who, 0.0) for who in part)]
    runs = []
    for _ in range(storm.rounds):
        await asyncio.sleep(2)
        if storm.node is not None:
            os.kill(storm.node, signal.SIGKILL)
        for one in people:
            one.close()
        await asyncio.sleep(0)
        begun, busy = time.perf_counter(), time.process_time()
        come = _ready if storm.node is None else _talking
        async with asyncio.timeout(_ROUND_SECONDS):
            back = await _all(come(storm.port, who, begun) for who in storm.talks)
        seconds, used = time.perf_counter() - begun, time.process_time() - busy
        people = [one for one, _ in back]
        times = sorted(took for _, took in back)
        p50, p99, longest = (percentile(times, share) * 1000 for share in (0.5, 0.99, 1.0))
        runs.append(Run(len(times), 0, seconds, p50, p99, longest, used / seconds))
    for one in people:
        one.close()
    return runs


async def _all(coming: Iterable[Coroutine[Any, Any, _Came]]) -> list[_Came]:
    """All of them; raises `Unavailable` when one is refused."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in coming]
    except* Unavailable as refused:
        raise refused.exceptions[0] from None
    return [one.result() for one in tasks]


async def _talking(port: int, who: Talk, begun: float) -> _Came:
    """Tries until it is signed in, and what it says then is accepted."""
    while True:
        try:
            one, _ = await _ready(port, who, begun)
            if await _said(one, who):
                return one, time.perf_counter() - begun
            one.close()
        except (OSError, Unavailable):
            pass  # the node is not there yet
        await asyncio.sleep(_TRY_SECONDS)


async def _said(one: Connection, who: Talk) -> bool:
    """Whether a message was accepted."""
    client_id = str(uuid4())
    one.sent[client_id] = time.perf_counter()
    one.send(sending(client_id, who.conversation_id))
    while client_id in one.sent and not one.errors:  # noqa: ASYNC110  # it is the connection that empties it
        await asyncio.sleep(_TRY_SECONDS / 10)
    return not one.errors


async def _ready(port: int, who: Talk, begun: float) -> _Came:
    """Signed in, and how many seconds after `begun`."""
    loop = asyncio.get_running_loop()
    _, one = await loop.create_connection(lambda: Connection({}, []), "127.0.0.1", port)
    try:
        if (answer := await one.ready) == "open":
            one.ready = loop.create_future()
            resume = {who.conversation_id: 0}
            one.send(msgspec.json.encode({"type": "auth", "token": who.token, "device_id": "bench", "resume": resume}))
            answer = await one.ready
        if answer != "ready":
            raise Unavailable(f"somebody could not come back: {answer}")
    except BaseException:
        one.close()
        raise
    return one, time.perf_counter() - begun


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(uvloop.run(blow(msgspec.json.decode(sys.stdin.buffer.read(), type=Storm))))
    )
