"""Single sign-on (单点登录) under way: a state that is good once, for ten minutes, on the device that began."""

import hashlib
import secrets
from pathlib import Path
from typing import Any

from msgspec import Struct

from kernel.security.crypto import Fields, Place
from kernel.store.database import Tx
from kernel.store.sql import load

_SECONDS = 600.0
_BYTES = 32
_sql = load(Path(__file__).with_name("single_sign_on.sql"))


class UnderWay(Struct, frozen=True):
    """What the provider must say again (`nonce`), and what proves that the code is ours (`verifier`, PKCE)."""

    nonce: str
    verifier: str


def new() -> tuple[str, UnderWay]:
    """A state, and what belongs to it."""
    state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    return state, UnderWay(nonce, verifier)


async def start(tx: Tx, fields: Fields, device_id: str, state: str, begun: UnderWay) -> None:
    """Keeps what was begun on the device, the verifier sealed and the state as its digest alone."""
    await _sql.start(tx, state=_digest(state), nonce=begun.nonce, device_id=device_id, seconds=_SECONDS,
                     verifier=fields.seal(begun.verifier, _place(state)))  # fmt: skip


async def take(tx: Tx, fields: Fields, device_id: str, state: str) -> UnderWay | None:
    """What was begun with this state on this device and is not too old; whatever it is, it is gone now."""
    row: Any = await _sql.take(tx, state=_digest(state))
    if row is None or not row["in_time"] or row["device_id"] != device_id:
        return None
    return UnderWay(row["nonce"], fields.open(row["verifier"], _place(state)))


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()


def _place(state: str) -> Place:
    return Place("oidc_request", "verifier", _digest(state).hex())
