"""Refresh tokens follow one another by a key: the one after a token is always the same, and nobody else can tell it.

So an answer that was lost can be given again, although only the hashes of tokens are kept. Each tells its session to
whoever has the key, without a look at the database: its owner is let in however often strangers ask from the address.
"""

import base64
import hmac
import secrets
from uuid import UUID

from kernel.settings import Settings
from kernel.settings.keys import key

BYTES = 32
_ID, _MARK = 16, 16


class Successors:
    """Makes tokens, and tells the one that follows another; the key comes from HEXAD_TOKEN_KEY."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when HEXAD_TOKEN_KEY is missing."""
        given = key("HEXAD_TOKEN_KEY", settings.token_key)
        self._key = hmac.digest(given, b"refresh token", "sha256")
        self._marks = hmac.digest(given, b"session of a refresh token", "sha256")

    def first(self, session_id: UUID) -> str:
        """One that follows none."""
        return self._marked(secrets.token_bytes(BYTES), session_id)

    def of(self, token: str, session_id: UUID) -> str:
        """The one after this one."""
        return self._marked(hmac.digest(self._key, token.encode(), "sha256"), session_id)

    def session(self, token: str) -> UUID | None:
        """Whose token it is, null for one that we did not make, or made before tokens told it."""
        try:
            whole = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except ValueError:
            return None
        told, mark = whole[:-_MARK], whole[-_MARK:]
        if len(whole) != BYTES + _ID + _MARK or not hmac.compare_digest(mark, self._mark(told)):
            return None
        return UUID(bytes=told[BYTES:])

    def _marked(self, secret: bytes, session_id: UUID) -> str:
        told = secret + session_id.bytes
        return base64.urlsafe_b64encode(told + self._mark(told)).rstrip(b"=").decode()

    def _mark(self, told: bytes) -> bytes:
        return hmac.digest(self._marks, told, "sha256")[:_MARK]
