"""Idempotency-Key: the first answer to a POST is kept with its effect, and given again for 24 hours."""

import hashlib
import re
from pathlib import Path

import msgspec
from litestar.response.base import ASGIResponse

from api.edge import problem
from api.edge.headers import header, listed, request_id
from api.edge.request import HttpRequest
from kernel.errors import HexadError, InvalidInput, KeyRequired, KeyReused, StillRunning
from kernel.security.scope import Scope
from kernel.store.database import Tx
from kernel.store.sql import load

_KEY = re.compile(r"[\x21-\x7e]{8,100}")
_KEPT_HEADERS = ("content-type", "etag", "location", "content-language")
_sql = load(Path(__file__).with_name("idempotency.sql"))


class Replay(Exception):
    """The key was used before with the same request: here is what was answered then."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        super().__init__(status)


class Once:
    """One request that takes effect once, however often it is sent."""

    def __init__(self, scope: Scope, key: str, fingerprint: bytes) -> None:
        self._scope, self._key, self._fingerprint = scope, key, fingerprint

    @classmethod
    async def of(cls, request: HttpRequest, scope: Scope) -> "Once":
        """Reads key and request; raises `KeyRequired` without a key, `InvalidInput` for an ill-formed one."""
        key = header(request.scope, b"idempotency-key")
        if not key:
            raise KeyRequired
        if not _KEY.fullmatch(key):
            raise InvalidInput(
                "Idempotency-Key must be 8 to 100 printable ASCII characters",
                "Idempotency-Key 须为 8–100 个可见 ASCII 字符",
            )
        digest = hashlib.sha256(f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"])
        digest.update(b"\n" + await request.body())
        return cls(scope, key, digest.digest())

    async def enter(self, tx: Tx) -> None:
        """Raises `StillRunning`, `KeyReused`, or `Replay` with the first answer; returns when there was none."""
        name = self._scope.principal.name
        if not await _sql.lock(tx, principal=name, key=self._key):
            raise StillRunning
        row = await _sql.find(tx, principal=name, key=self._key)
        if row is None:
            return
        if row["request"] != self._fingerprint:
            raise KeyReused
        raise Replay(row["status"], msgspec.json.decode(row["headers"], type=dict[str, str]), row["body"])

    async def remember(self, tx: Tx, response: ASGIResponse) -> None:
        """Keeps the answer, in the transaction of its effect."""
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        await self._store(tx, response.status_code, headers, response.body)

    async def remember_refusal(self, tx: Tx, request: HttpRequest, error: HexadError) -> None:
        """Keeps the refusal of the route, whose own effects were rolled back; a fault of ours is not kept."""
        told = problem.of_error(error, listed(request.scope, b"accept-language"), request_id(request.scope))
        if told.status < 500 and told.status not in (401, 409, 429):
            spoken = problem.content_language(listed(request.scope, b"accept-language"))
            headers = {"content-type": problem.MEDIA_TYPE, "content-language": spoken}
            await self._store(tx, told.status, headers, problem.encode(told))

    async def _store(self, tx: Tx, status: int, headers: dict[str, str], body: bytes) -> None:
        await _sql.remember(
            tx,
            principal=self._scope.principal.name,
            key=self._key,
            request=self._fingerprint,
            status=status,
            headers=msgspec.json.encode(headers).decode(),
            body=body,
        )
