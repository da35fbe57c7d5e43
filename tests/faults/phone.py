"""A phone in the chat that never gives up: reconnects with `resume`, repeats what was not accepted, keeps its view."""

import asyncio
import contextlib
import json
import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

_LOST = (OSError, WebSocketException, InvalidHandshake, TimeoutError, EOFError)
_OPTIONS: dict[str, Any] = {"subprotocols": ["hexad.v1"], "proxy": None, "compression": None, "ping_interval": None}
_SILENCE = 8.0


class Phone:
    """One device of one side of a conversation."""

    def __init__(self, token: str, conversation: str, addresses: Sequence[str], seed: int) -> None:
        self.conversation, self.seq = conversation, 0
        self.stored: dict[str, tuple[str, int]] = {}
        self.faults: list[str] = []
        self.connections = 0
        self.waiting: list[tuple[str, str]] = []
        self._token, self._addresses, self._chance = token, addresses, random.Random(seed)
        self._socket: ClientConnection | None = None
        self._answered = asyncio.Event()

    def say(self, body: str) -> None:
        """Puts a message into the phone's outbox."""
        self.waiting.append((str(uuid4()), body))

    def cut(self) -> None:
        """Breaks the connection, as a tunnel does."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def live(self) -> None:
        """Connects, again and again, until it is cancelled."""
        while True:
            with contextlib.suppress(*_LOST):
                address = self._chance.choice(self._addresses)
                async with asyncio.timeout(30):
                    socket = await connect(f"ws://{address}/ws", **_OPTIONS)
                self._socket = socket
                try:
                    await self._serve(socket)
                finally:
                    socket.transport.abort()
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _serve(self, socket: ClientConnection) -> None:
        auth = {"type": "auth", "token": self._token, "device_id": "d", "resume": {self.conversation: self.seq}}
        await socket.send(json.dumps(auth))
        first = await self._receive(socket)
        if first["type"] != "ready":
            return
        self.connections += 1
        if first["resync"]:
            self.faults.append("asked to resync")
        sending = asyncio.create_task(self._send(socket))
        try:
            while True:
                self._hear(await self._receive(socket))
        finally:
            sending.cancel()

    async def _receive(self, socket: ClientConnection) -> dict[str, Any]:
        """The next frame; a server that is silent to a ping for long is left, as a phone does."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE / 2):
                    return dict(json.loads(await socket.recv()))
            await socket.send('{"type":"ping","n":1}')
            async with asyncio.timeout(_SILENCE / 2):
                return dict(json.loads(await socket.recv()))

    async def _send(self, socket: ClientConnection) -> None:
        """Sends one message after the other; each again until it is stored."""
        with contextlib.suppress(*_LOST):
            while True:
                while not self.waiting:
                    await asyncio.sleep(0.02)
                client_id, body = self.waiting[0]
                self._answered.clear()
                frame = {"type": "send", "client_id": client_id, "conversation_id": self.conversation, "kind": "text"}
                await socket.send(json.dumps({**frame, "body": body}))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SILENCE):
                        await self._answered.wait()
                await asyncio.sleep(0.01)

    def _hear(self, frame: dict[str, Any]) -> None:
        if frame["type"] in ("message", "accepted"):
            if frame["seq"] == self.seq + 1:
                self.seq += 1
            elif frame["type"] == "message" or frame["seq"] > self.seq:
                self.faults.append(f"{frame['type']} {frame['seq']} after {self.seq}")
            if client_id := frame.get("client_id"):
                self._is_stored(client_id, frame["message_id"], frame["seq"])
        if frame["type"] == "error":
            if frame["code"] != "unavailable":
                self.faults.append(f"refused: {frame['code']} {frame['detail']}")
            self._answered.set()

    def _is_stored(self, client_id: str, message_id: str, seq: int) -> None:
        if self.stored.setdefault(client_id, (message_id, seq)) != (message_id, seq):
            self.faults.append(f"stored twice: {self.stored[client_id]} and {message_id} {seq}")
        if self.waiting and self.waiting[0][0] == client_id:
            self.waiting.pop(0)
            self._answered.set()
