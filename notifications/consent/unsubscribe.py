"""The token by which whoever holds an e-mail ends such messages (退订): sealed, so that it says and guesses nothing.

It stands in a link that works without signing in, for mail programs send it by themselves (RFC 8058), and in an address
for those that write instead (RFC 2369). Both work until `_SECONDS` have passed.
"""

import base64
import binascii
import re
import time
from email.utils import parseaddr

import msgspec
from msgspec import Struct

from kernel.errors import FieldSealed, NotFound
from kernel.security.crypto import Fields, Place
from kernel.settings import Settings
from kernel.store.database import Tx
from mobile_contracts.messaging.consent import ConsentPurpose
from notifications.consent import consent
from notifications.consent.consent import Word

PATH = "/v1/auth/unsubscribe"
_SECONDS = 180 * 86_400
SUBJECT = re.compile(r"\s*unsubscribe\s+([A-Za-z0-9_-]{1,1000})\s*", re.IGNORECASE)
"""The subject of a mail that ends such messages."""

_PLACE = Place("unsubscribe", "token", "")


class Wish(Struct, frozen=True, array_like=True):
    """Who wants no more e-mails of which purpose, whatever their topic; `until` in Unix seconds."""

    customer_id: int
    purpose: str
    until: int


def token(fields: Fields, customer_id: int, purpose: str) -> str:
    """A new one for this person and purpose."""
    wish = Wish(customer_id, purpose, round(time.time()) + _SECONDS)
    sealed = fields.seal(msgspec.json.encode(wish).decode(), _PLACE)
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def link(settings: Settings, token: str) -> str:
    """The address of its page, under HEXAD_PUBLIC_URL."""
    return f"{_base(settings)}{PATH}?token={token}"


def header(settings: Settings, token: str) -> str:
    """`List-Unsubscribe`: the link, and where to write instead, which is where bounces go."""
    address = settings.smtp_bounce or parseaddr(settings.email_from)[1]
    return f"<{link(settings, token)}>, <mailto:{address}?subject=unsubscribe%20{token}>"


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


async def end(tx: Tx, wish: Wish) -> None:
    """Ends e-mails of that purpose, until the customer allows them again; the transaction is the system's."""
    purpose: ConsentPurpose = "marketing" if wish.purpose == "marketing" else "service"
    word = Word(
        purpose=purpose, channel="email", allowed=False, source="link", evidence="List-Unsubscribe",
        by="system:unsubscribe",
    )  # fmt: skip
    await consent.give(tx, wish.customer_id, word)


def _base(settings: Settings) -> str:
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    return f"http://{host}:{settings.api_port}"
