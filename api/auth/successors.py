"""Refresh tokens follow one another by a key: the one after a token is always the same, and nobody else can tell it.

So an answer that was lost can be given again, although only the hashes of tokens are kept.
"""

import base64
import hmac
import secrets

from kernel.keys import key
from kernel.settings import Settings

BYTES = 32


class Successors:
    """Tells the token that follows one; the key comes from HEXAD_TOKEN_KEY."""

    def __init__(self, settings: Settings) -> None:
        """Raises `Misconfigured` when HEXAD_TOKEN_KEY is missing."""
        self._key = hmac.digest(key("HEXAD_TOKEN_KEY", settings.token_key), b"refresh token", "sha256")

    def of(self, token: str) -> str:
        """The one after this one."""
        following = hmac.digest(self._key, token.encode(), "sha256")
        return base64.urlsafe_b64encode(following).rstrip(b"=").decode()


def first() -> str:
    """One that follows none."""
    return secrets.token_urlsafe(BYTES)
