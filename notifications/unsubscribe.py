"""The link by which whoever holds an e-mail ends such messages (退订): sealed, so that it says and guesses nothing.

It works without signing in, for mail programs send it by themselves (RFC 8058), and until `_SECONDS` have passed.
"""

import base64
import binascii
import time

import msgspec
from msgspec import Struct

from kernel.crypto import Fields, Place
from kernel.errors import FieldSealed, NotFound
from kernel.settings import Settings

PATH = "/v1/auth/unsubscribe"
_SECONDS = 180 * 86_400
_PLACE = Place("unsubscribe", "token", "")


class Wish(Struct, frozen=True, array_like=True):
    """Who wants no more e-mails of which purpose, whatever their topic; `until` in Unix seconds."""

    customer_id: int
    purpose: str
    until: int


def link(settings: Settings, customer_id: int, purpose: str) -> str:
    """The address for `List-Unsubscribe`, under HEXAD_PUBLIC_URL."""
    wish = Wish(customer_id, purpose, round(time.time()) + _SECONDS)
    sealed = Fields(settings).seal(msgspec.json.encode(wish).decode(), _PLACE)
    token = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return f"{_base(settings)}{PATH}?token={token}"


def wish(fields: Fields, token: str) -> Wish:
    """What a token of ours asks for; raises `NotFound` for any other, and for one that is too old."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        found = msgspec.json.decode(fields.open(sealed, _PLACE), type=Wish)
    except (binascii.Error, ValueError, FieldSealed) as error:
        raise NotFound from error
    if found.until < time.time():
        raise NotFound
    return found


def _base(settings: Settings) -> str:
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    return f"http://{host}:{settings.api_port}"
