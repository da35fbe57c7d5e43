"""The floor answers and passes on."""

import contextlib
import json
from collections.abc import AsyncIterator
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.servers import echo
from kernel.settings import Settings


@contextlib.asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """The port of a server that signs in and says nothing more."""

    async def one(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"ready"}')
        async for _ in socket:
            pass

    async with serve(one, "127.0.0.1", 0, subprotocols=[Subprotocol("hexad.v1")]) as server:
        yield next(iter(server.sockets)).getsockname()[1]


async def test_it_answers_the_sender_and_passes_on_to_the_other(settings: Settings) -> None:
    conversation, client_id = str(uuid4()), str(uuid4())
    with echo(settings) as server:
        url = f"ws://127.0.0.1:{server.port}/ws"
        async with (
            connect(url, subprotocols=[Subprotocol("hexad.v1")], proxy=None) as one,
            connect(url, subprotocols=[Subprotocol("hexad.v1")], proxy=None) as other,
        ):
            for socket in (one, other):
                await socket.send(json.dumps({"type": "auth", "token": conversation, "device_id": "d"}))
                assert json.loads(await socket.recv())["type"] == "ready"
            await one.send(
                json.dumps(
                    {
                        "type": "send",
                        "client_id": client_id,
                        "conversation_id": conversation,
                        "kind": "text",
                        "body": "好",
                    }
                )
            )
            assert json.loads(await one.recv())["client_id"] == client_id
            assert json.loads(await other.recv())["body"] == "好"
