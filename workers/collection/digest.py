"""Digests of rows: what is delivered again just so is not written again."""

import hashlib
import hmac
from collections.abc import Iterable

from kernel.settings import Settings
from kernel.settings.keys import key


def digest_secret(settings: Settings) -> str:
    """What is mixed into the digests of rows, so that nobody can guess a row from its digest."""
    return hmac.digest(key("HEXAD_INDEX_KEY", settings.index_key), b"row digest", hashlib.sha256).hex()[:32]


def row_digest(secret: str, values: Iterable[str | None]) -> bytes:
    """The digest of a row whose values come by another way than a file, in the order of its feed's columns."""
    told = secret + "\x1f".join(value or "" for value in values)
    return hashlib.md5(told.encode()).digest()  # noqa: S324  # as DuckDB makes those of delivered rows
