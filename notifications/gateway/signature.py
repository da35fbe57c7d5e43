"""Who posts to us without an account: a gateway signs each request with its secret, and each signature is good once."""

import hmac
from collections.abc import Sequence
from pathlib import Path

from kernel.errors import ClockSkewed, SignatureRefused, SignatureUsed
from kernel.schema import retention
from kernel.settings.keys import GatewayKey
from kernel.store.database import Tx
from kernel.store.sql import load

SKEW_SECONDS = 300
_NOBODY = GatewayKey("", b"nobody signs with this", frozenset())
_sql = load(Path(__file__).with_name("signature.sql"))


def sign(secret: bytes, timestamp: str, body: bytes) -> bytes:
    """HMAC-SHA256 over the timestamp, a dot and the body."""
    return hmac.digest(secret, timestamp.encode() + b"." + body, "sha256")


def check(
    keys: Sequence[GatewayKey], name: str, timestamp: str, signature: str, body: bytes, now: float
) -> tuple[GatewayKey, bytes]:
    """The key that was signed with, and the signature.

    Raises `SignatureRefused`, whoever is unknown after the same work as for a wrong signature, and `ClockSkewed`.
    """
    given = _bytes(signature)
    own = [key for key in keys if key.name == name] or [_NOBODY]
    matching = [key for key in own if hmac.compare_digest(sign(key.secret, timestamp, body), given)]
    if not matching or matching[0] is _NOBODY or not _is_time(timestamp):
        raise SignatureRefused
    if abs(now - int(timestamp)) > SKEW_SECONDS:
        raise ClockSkewed(f"here it is {now:.0f}", f"本系统时间为 {now:.0f}")
    return matching[0], given


async def use(tx: Tx, gateway: str, signature: bytes) -> None:
    """Notes the signature with what it does, so that both happen or neither; raises `SignatureUsed`."""
    if not await _sql.use(tx, gateway=gateway, signature=signature):
        raise SignatureUsed


async def give_back(tx: Tx, signature: bytes) -> None:
    """What it was used for did not happen: it is good again."""
    await _sql.give_back(tx, signature=signature)


async def forget(tx: Tx) -> None:
    """Forgets signatures whose time would be refused by now."""
    await _sql.forget(tx, window=retention.window("gateway_signature"))


def _bytes(signature: str) -> bytes:
    """What follows `sha256=`; empty, which matches nothing, for anything else."""
    kind, _, digits = signature.partition("=")
    try:
        return bytes.fromhex(digits) if kind == "sha256" and len(digits) == 64 else b""
    except ValueError:
        return b""


def _is_time(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
