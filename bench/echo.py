"""The floor of the chat: the same uvicorn with the same settings, which answers and passes on, and keeps nothing.

Nobody is asked who they are: the first frame names the conversation in place of a token.
"""

import asyncio
import contextlib
import os
from collections import defaultdict
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

import msgspec
import uvicorn
import uvloop

from mobile_contracts.frame import Accepted, Message, Sender, SendMessage
from realtime.handshake import SUBPROTOCOL
from realtime.session import FRAME_BYTES

_rooms: defaultdict[str, list[Any]] = defaultdict(list)
_decode = msgspec.json.Decoder(SendMessage).decode
_encode = msgspec.json.Encoder().encode
_NOBODY = UUID(int=0)
_seqs = count(1)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """One socket, for ever."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
    first = msgspec.json.decode((await receive())["text"])
    room = _rooms[first["token"]]
    room.append(send)
    await send({"type": "websocket.send", "text": '{"type":"ready"}'})
    while (event := await receive())["type"] == "websocket.receive":
        frame, seq, at = _decode(event["text"]), next(_seqs), datetime.now(UTC)
        said = Message(frame.conversation_id, _NOBODY, seq, Sender("staff", "1", "x"), "text", at, frame.body)
        accepted = Accepted(frame.client_id, frame.conversation_id, _NOBODY, seq, at)
        await send({"type": "websocket.send", "text": _encode(accepted).decode()})
        text = _encode(said).decode()
        for other in room:
            if other is not send:
                with contextlib.suppress(OSError):
                    await other({"type": "websocket.send", "text": text})
    room.remove(send)


async def serve(port: int) -> None:
    """Until it is stopped."""
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, ws="websockets-sansio", ws_max_size=FRAME_BYTES,
        ws_per_message_deflate=False, lifespan="off", log_config=None, access_log=False,
    )  # fmt: skip
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(os.environ["BENCH_PORT"])))
