"""Authenticators (TOTP, RFC 6238): six digits from a shared key and the time, in steps of 30 seconds."""

import base64
import hmac
import secrets
import time
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS = 30
_DIGITS = 6
_BYTES = 20
_ISSUER = "Hexad"


def new_secret() -> str:
    """A random key in base32, as authenticator apps take it."""
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode()


def provisioning_uri(secret: str, account: str) -> str:
    """The address that an authenticator app reads from a QR code."""
    query = urlencode({"secret": secret, "issuer": _ISSUER, "digits": _DIGITS, "period": STEP_SECONDS})
    return f"otpauth://totp/{quote(f'{_ISSUER}:{account}')}?{query}"


def code_at(secret: str, step: int) -> str:
    """What an authenticator with this key shows in a step."""
    totp = TOTP(base64.b32decode(secret), _DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  # what authenticator apps do
    return totp.generate(step * STEP_SECONDS).decode()


def present() -> int:
    """The step of now."""
    return int(time.time()) // STEP_SECONDS


def step_of(secret: str, code: str, now: float | None = None) -> int | None:
    """The step in which the key shows this code, one before and one after the present among them; null for none."""
    middle = present() if now is None else int(now) // STEP_SECONDS
    matched: int | None = None
    for step in (middle - 1, middle, middle + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            matched = step
    return matched
