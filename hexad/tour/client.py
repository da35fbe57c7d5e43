"""Somebody's app on one device, as thin as it can be: HTTP and WebSocket with time-outs."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from hexad.tour.promise import PATIENCE, Broken, promised
from kernel.security.scope import Audience

Json = dict[str, Any]

_CALL_SECONDS = 10.0
_FRAME_BYTES = 1 << 20


class Answer(Struct, frozen=True):
    """What the API answered; `content` is null where it was no JSON, `wait` are seconds where it asks for patience."""

    status: int
    content: Any
    wait: str = ""

    @property
    def code(self) -> str:
        """The code of a refusal, such as `not_found`."""
        return str(self.content.get("code", "")) if isinstance(self.content, dict) else ""

    @property
    def why(self) -> str:
        """Why it was refused, in words, and how long to wait."""
        given = self.content if isinstance(self.content, dict) else {}
        again = f"again in {self.wait} s" if self.wait else ""
        return " ".join(part for part in (self.code, given.get("detail") or given.get("title", ""), again) if part)


class App:
    """One device of one person; `token` and `subject` are empty before the sign-in."""

    def __init__(self, http: httpx2.AsyncClient, socket: str, audience: Audience) -> None:
        self.audience, self.device_id = audience, f"tour-{uuid4().hex[:12]}"
        self.subject, self.token = "", ""
        self._http, self._socket = http, socket

    async def ask(self, method: str, path: str, body: Json | None = None, key: str = "", **query: Any) -> Answer:
        """Sends a request, a POST under a key of its own unless one is given; raises `Broken` without an answer."""
        headers = {"Accept-Language": "en"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid4().hex
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                got = await self._http.request(method, path, json=body, params=query or None, headers=headers)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise Broken(f"{method} {path} is not answered: {type(error).__name__}") from error
        wait = got.headers.get("Retry-After", "")
        try:
            return Answer(got.status_code, msgspec.json.decode(got.content) if got.content else None, wait)
        except msgspec.DecodeError:
            return Answer(got.status_code, None, wait)

    async def get(self, path: str, **query: Any) -> Any:
        """What stands at the path under this audience; raises `Broken` unless it is 200."""
        return await self._good("GET", path, await self.ask("GET", self._path(path), **query))

    async def post(self, path: str, body: Json | None = None, key: str = "") -> Any:
        """Has something done; raises `Broken` unless it is."""
        return await self._good("POST", path, await self.ask("POST", self._path(path), body, key))

    async def refused(self, status: int, code: str, method: str, path: str, body: Json | None = None) -> None:
        """Raises `Broken` unless it is refused so."""
        got = await self.ask(method, self._path(path), body)
        promised(
            (got.status, got.code) == (status, code),
            f"{method} {self._path(path)} is answered {got.status} {got.code}, not {status} {code}".replace("  ", " "),
        )

    async def sign_in(self, path: str, body: Json) -> None:
        """Signs in by what the body says, on this device."""
        device = {"device_id": self.device_id, "name": "hexad tour"}
        got = await self._good("POST", path, await self.ask("POST", f"/v1/auth/{path}", {**body, "device": device}))
        self.subject, self.token = got["subject"], got["access_token"]

    @contextlib.asynccontextmanager
    async def line(self, resume: dict[str, int] | None = None) -> AsyncIterator["Line"]:
        """A WebSocket that is signed in, and resumes conversations after these seqs."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                socket = await connect(
                    self._socket, subprotocols=["hexad.v1"], proxy=None, compression=None, max_size=_FRAME_BYTES,  # type: ignore[list-item]
                    close_timeout=1,
                )  # fmt: skip
        except (OSError, WebSocketException, TimeoutError) as error:
            raise Broken(f"{self._socket} cannot be connected to: {type(error).__name__}") from error
        async with socket:
            line = Line(socket)
            await line.send("auth", token=self.token, device_id=self.device_id, resume=resume or {})
            ready = await line.get("ready")
            promised(ready["principal"] == f"{self.audience}:{self.subject}", f"the socket is {ready['principal']}'s")
            yield line

    def _path(self, path: str) -> str:
        return f"/v1/{self.audience}{path}"

    async def _good(self, method: str, path: str, got: Answer) -> Any:
        promised(got.status < 300, f"{method} {path} is refused: {got.status} {got.why}")
        return got.content


class Line:
    """One open WebSocket, and every frame that came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.frames: list[Json] = []
        self._socket, self._read, self._pings = socket, 0, 0

    async def send(self, kind: str, /, **fields: Any) -> None:
        """Sends a frame."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await self._socket.send(json.dumps({"type": kind, **fields}))
        except (WebSocketException, TimeoutError) as error:
            raise Broken(f"the socket takes no frame {kind}: {type(error).__name__}") from error

    async def get(self, kind: str, /, **having: Any) -> Json:
        """The next frame of the type with these values; others are passed by, an `error` is no answer."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    frame = await self._next()
                    if frame["type"] == kind and all(frame.get(name) == value for name, value in having.items()):
                        return frame
                    promised(frame["type"] != "error", f"a frame is refused: {frame.get('code')} {frame.get('detail')}")
        except TimeoutError as error:
            raise Broken(f"no frame `{kind}` within {PATIENCE:g} s") from error

    async def all_until_now(self) -> list[Json]:
        """Every frame so far: what the node had for this socket before it answered a ping is among them."""
        self._pings += 1
        await self.send("ping", n=self._pings)
        await self.get("pong", n=self._pings)
        return self.frames

    async def say(self, conversation: str, words: str, client_id: str = "") -> Json:
        """Says something; the `accepted` that answers it."""
        client_id = client_id or str(uuid4())
        await self.send("send", client_id=client_id, conversation_id=conversation, kind="text", body=words)
        return await self.get("accepted", client_id=client_id)

    def cut(self) -> None:
        """Breaks the connection, as a tunnel does."""
        self._socket.transport.abort()

    async def _next(self) -> Json:
        if self._read == len(self.frames):
            try:
                self.frames.append(json.loads(await self._socket.recv()))
            except WebSocketException as error:
                raise Broken(f"the socket is closed: {error}") from error
        self._read += 1
        return self.frames[self._read - 1]
