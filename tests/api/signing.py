"""A gateway of the tests: signs as one of others would, from the documented recipe alone."""

import hashlib
import hmac
import time
from typing import Any

import httpx
import msgspec

from kernel.settings import Settings

SECRET = "a-secret-of-at-least-32-characters"
SECRETS = f"cmcc-1:{SECRET}:service+transactional,poor-1:{'p' * 32},hook-1:{'h' * 32}"


def with_gateways(settings: Settings) -> Settings:
    """The settings with three gateways: one may lease two purposes, another none, the third is a mail hook."""
    return msgspec.structs.replace(settings, gateway_secrets=SECRETS)


def headers(body: bytes, *, name: str = "cmcc-1", secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers of a request with this body."""
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Hexad-Gateway": name, "X-Hexad-Timestamp": timestamp, "X-Hexad-Signature": f"sha256={digest}",
            "Content-Type": "application/json"}  # fmt: skip


async def post(api: httpx.AsyncClient, path: str, content: Any, **signing: Any) -> httpx.Response:
    """One signed request; `content` is JSON, or bytes to be sent as they are."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return await api.post(f"/v1/gateway{path}", content=body, headers=headers(body, **signing))
